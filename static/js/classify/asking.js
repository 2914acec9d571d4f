// The two dialogs: which dataset keeps the images, and what an image shows where the model is wrong.

import { post } from "../api.js";
import { chip, make, picture, plural, score, setup } from "./words.js";

const adding = document.getElementById("adding");
const wrong = document.getElementById("wrong");
let sending = false;

// Calls `add(items, {dataset, paperOf})` once a person has said where to.
export function askWhere(items, add) {
    open(adding, async (form) => {
        const dataset = await datasetOf(form);
        const paper = form.elements.paper.value.trim();
        const folder = (item) => item.path.split("/").at(-2) ?? "";
        const paperOf = { none: () => "", one: () => paper, folder }[form.elements.by.value];
        // Files of one folder stand together, so that a batch holds one paper.
        const together = [...items].sort((a, b) => paperOf(a).localeCompare(paperOf(b)) || a.number - b.number);
        add(together, { dataset, paperOf });
    });
    const title = adding.querySelector("[data-wrong]") && adding.querySelector("h2");
    if (title) title.textContent = `Add ${plural(items.length, "image")} to a dataset`;
}

// Calls `tell({dataset, label, paper, note})` with what a person says of an item.
export function askWrong(item, tell) {
    open(wrong, (form) => {
        const { dataset, label, paper, note } = Object.fromEntries(new FormData(form));
        if (!label) throw new Error("Choose the right class.");
        return tell({ dataset, label, paper: paper.trim(), note: note.trim() });
    });
    const form = wrong.querySelector("form");
    if (!form.elements.dataset) return;
    form.elements.paper.value = form.elements.note.value = "";
    form.querySelector("[data-picture]").replaceChildren(picture(item));
    const said = form.querySelector("[data-said]");
    said.replaceChildren(`${item.model} says `, chip(item.result.label), ` (${score(item.result.confidence)}) of ${item.path}.`);
    if (item.kept) form.elements.dataset.value = item.kept.dataset;
    form.elements.dataset.onchange = () => offerClasses(form, item.result.label);
    offerClasses(form, item.result.label);
}

function offerClasses(form, said) {
    const looks = setup.datasets[form.elements.dataset.value] ?? setup.looks;
    const offered = Object.keys(looks).filter((name) => name !== said);
    form.querySelector("[data-classes]").replaceChildren(
        ...offered.map((name) => {
            const label = make("label", "choice");
            const radio = Object.assign(make("input"), { type: "radio", name: "label", value: name, required: true });
            label.append(radio, chip(name));
            return label;
        }),
    );
}

// Opens a dialog; `done(form)` may refuse by what it throws, which is told in it.
function open(dialog, done) {
    const form = dialog.querySelector("form");
    const told = form.querySelector("[data-wrong]");
    if (told) {
        told.textContent = "";
        showFields(form);
        form.onchange = () => showFields(form);
        form.onsubmit = (event) => {
            event.preventDefault();
            if (!sending) send(dialog, form, done);
        };
        form.querySelector("[data-close]").onclick = () => dialog.close();
    }
    dialog.showModal();
}

async function send(dialog, form, done) {
    const told = form.querySelector("[data-wrong]");
    const button = form.querySelector("button.primary");
    told.textContent = "";
    sending = button.disabled = true;
    try {
        await done(form);
        dialog.close();
    } catch (error) {
        told.textContent = error.message;
    } finally {
        sending = button.disabled = false;
    }
}

function showFields(form) {
    const isNew = form.querySelector("[data-new]");
    if (isNew) {
        isNew.hidden = form.elements.dataset.value !== "";
        form.elements.slug.required = !isNew.hidden;
        // A choice without a value is no choice to the browser.
        form.elements.dataset.required = false;
    }
    const paper = form.querySelector("[data-paper]");
    if (!paper) return;
    paper.hidden = form.elements.by.value !== "one";
    form.elements.paper.required = !paper.hidden;
}

// The slug of the dataset chosen; a new one is made.
async function datasetOf(form) {
    const { dataset, slug } = form.elements;
    if (dataset.value || !slug) return dataset.value;
    const made = await post("/api/v1/datasets/", { slug: slug.value.trim() });
    for (const select of document.querySelectorAll("dialog select[name=dataset]")) {
        select.prepend(Object.assign(make("option"), { value: made.slug, textContent: made.name }));
    }
    setup.datasets[made.slug] = Object.fromEntries(made.classes.map((each) => [each.name, each]));
    slug.value = "";
    dataset.value = made.slug;
    return made.slug;
}
