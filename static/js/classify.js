// The Classify page: files come in, are classified in batches, and stand in a table; some are kept.

import { askWhere, askWrong } from "./classify/asking.js";
import { csv, save } from "./classify/csv.js";
import { keep, takeBack, tellWrong, undoTold } from "./classify/keeping.js";
import { row } from "./classify/rows.js";
import { batches, Outgoing, sendFiles } from "./classify/sending.js";
import { Table } from "./classify/table.js";
import { dropped, pasted, taken } from "./classify/taking.js";
import { plural, setup } from "./classify/words.js";
import { say } from "./toast.js";

const place = (id) => document.getElementById(id);
const items = [];
const table = new Table(items, { row: (item) => row(item, deeds), changed: showChosen });
const outgoing = new Outgoing({ changed: showWork });
let leftOut = 0;

const deeds = {
    choose: () => table.chose(),
    wrong: (item) => askWrong(item, (told) => wrong(item, told)),
    undo: (item) => undo([item]),
    again: (item) => classify([item]),
};

function classify(some) {
    const model = place("model").value;
    for (const item of some) Object.assign(item, { state: "waiting", result: null, error: null });
    table.show(some);
    outgoing.add(
        batches(some).map((batch) => ({
            items: batch,
            run: async (signal) => {
                const answered = await sendFiles(batch, { ...(model && { model }) }, signal);
                answered.results.forEach((result, number) =>
                    Object.assign(batch[number], answerOf(result, answered)),
                );
            },
            ended: (error) => {
                if (error) for (const item of batch) Object.assign(item, { state: "failed", error });
                table.show(batch);
            },
        })),
    );
}

function answerOf(result, answered) {
    if (result.error) return { state: "refused", error: result.error, result: null };
    const model = `${answered.model.name}@${answered.model.version}`;
    return { state: "done", result, error: null, model, below: answered.abstain_below };
}

function take({ files, others = 0 }) {
    leftOut += others;
    const added = files.map(({ file, path }, number) => ({
        file,
        path,
        number: items.length + number,
        state: "waiting",
        chosen: false,
    }));
    for (const item of added) items.push(item);
    if (!added.length) say(others ? `No images: ${plural(others, "other file")} left out.` : "There was no file in it.", { bad: true });
    const large = added.filter((item) => item.file.size > setup.mostBytes);
    for (const item of large) {
        const detail = `The file has ${(item.file.size / 2 ** 20).toFixed(0)} MB; at most ${setup.mostBytes / 2 ** 20} MB are taken.`;
        Object.assign(item, { state: "refused", error: { code: "too_large", detail } });
    }
    table.show(added);
    classify(added.filter((item) => item.state === "waiting"));
    showWork();
}

// Keeps images in a dataset; what is refused is told in its row and stops none of the others.
function add(some, where) {
    const done = [];
    outgoing.add(
        // One model a request: part of the table may have been classified again.
        batches(some, (item) => `${item.model}\n${where.paperOf(item)}`).map((batch) => ({
            items: batch,
            run: async (signal) => done.push(...(await keep(batch, where, signal))),
            ended: (error) => {
                if (error) for (const item of batch) item.notKept = { detail: error.message };
                table.show(batch);
                const last = batch.at(-1) === some.at(-1);
                if (last || error) sayAdded(done, where);
            },
        })),
    );
}

function sayAdded(done, where) {
    const fresh = done.filter((item) => item.kept?.created);
    const there = done.filter((item) => item.kept && !item.kept.created).length;
    const refused = done.filter((item) => item.notKept).length;
    const told = [
        `${plural(fresh.length, "image")} added to ${where.dataset}`,
        there && `${there} stood there already`,
        refused && `${refused} refused: see their rows`,
    ];
    const action = fresh.length ? { label: "Undo", run: () => undo(fresh) } : null;
    say(`${told.filter(Boolean).join(", ")}.`, { action, bad: refused > 0 && !fresh.length });
}

async function wrong(item, told) {
    await tellWrong(item, told);
    table.show([item]);
    const { kept, told: answer } = item;
    if (answer.batch === null) {
        const stands = answer.label ? `labelled ${answer.label} by ${answer.labelled_by ?? "an import"}` : "excluded";
        say(`It is in ${kept.dataset} already, ${stands}: that stays. Its page shows why, and corrects it.`);
    } else {
        say(`Thank you. It is in ${kept.dataset} as ${answer.label}, and a second person is asked.`, {
            action: { label: "Undo", run: () => undo([item]) },
        });
    }
}

async function undo(some) {
    for (const item of some) {
        try {
            await (item.told ? undoTold(item) : takeBack(item));
        } catch (error) {
            say(`${item.path}: ${error.message}`, { bad: true });
        }
    }
    table.show(some);
}

const unanswered = () => items.filter((item) => item.state === "failed");

function showWork() {
    const { busy, wait, done, todo } = outgoing;
    const bar = place("classify-bar");
    const share = todo ? Math.floor((100 * done) / todo) : 0;
    place("drop").classList.toggle("small", items.length > 0);
    place("work").hidden = !items.length;
    place("classify-results").hidden = !items.length;
    bar.hidden = !busy;
    bar.setAttribute("aria-valuenow", String(share));
    bar.firstElementChild.style.width = `${share}%`;
    place("classify-stop").hidden = !busy;
    place("classify-retry").hidden = busy || !unanswered().length;
    place("classify-anew").hidden = busy || !outdated().length;
    place("classify-anew").textContent = `Classify again by ${chosenModel()}`;
    place("classify-csv").disabled = busy || !items.length;
    const waits = wait ? ` The server is busy: tried again in ${wait} s.` : "";
    place("classify-status").textContent = busy ? `${done.toLocaleString("en")} of ${plural(todo, "file")}.${waits}` : summary();
}

function summary() {
    const count = (state) => items.filter((item) => item.state === state).length;
    const abstained = items.filter((item) => item.result?.abstained).length;
    return [
        `${plural(items.length, "file")} in all`,
        abstained && `${abstained} abstained`,
        count("refused") && `${count("refused")} refused`,
        unanswered().length && `${unanswered().length} not classified: ${unanswered()[0].error.message}`,
        leftOut && `${plural(leftOut, "other file")} left out`,
    ]
        .filter(Boolean)
        .join(", ");
}

function chosenModel() {
    const chosen = place("model").selectedOptions[0];
    return chosen.value || chosen.textContent.replace(/^champion \((.*)\)$/, "$1").replace(" (the newest)", "");
}

const outdated = () => items.filter((item) => item.state === "done" && item.model !== chosenModel());

function showChosen() {
    const chosen = items.filter((item) => item.chosen).length;
    const count = addable().length.toLocaleString("en");
    place("classify-add").textContent = chosen ? `Add ${count} to a dataset` : `Add all ${count} to a dataset`;
    place("classify-add").disabled = !addable().length;
}

// What was chosen, or else all that the table shows; but for what is in a dataset already.
function addable() {
    const able = (some) => some.filter((item) => item.result && !item.kept);
    const chosen = items.filter((item) => item.chosen);
    return able(chosen.length ? chosen : table.inOrder());
}

for (const id of ["files", "folder"]) {
    place(id).addEventListener("change", ({ target }) => {
        take(taken(target.files));
        target.value = "";
    });
}
const target = place("drop");
for (const name of ["dragenter", "dragover"]) target.addEventListener(name, () => target.classList.add("over"));
for (const name of ["dragleave", "drop"]) target.addEventListener(name, () => target.classList.remove("over"));
// A file that misses the place would be opened by the browser, and the results lost.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
    event.preventDefault();
    if (event.dataTransfer.types.includes("Files")) take(await dropped(event.dataTransfer));
});
document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) take(pasted(event.clipboardData.files));
});
window.addEventListener("beforeunload", (event) => outgoing.busy && event.preventDefault());

place("model").addEventListener("change", ({ target: { value } }) => {
    const address = new URL(window.location.href);
    if (value) address.searchParams.set("model", value);
    else address.searchParams.delete("model");
    window.history.replaceState(null, "", address);
    showWork();
});
place("classify-stop").addEventListener("click", () => outgoing.stop());
place("classify-retry").addEventListener("click", () => classify(unanswered()));
place("classify-anew").addEventListener("click", () => classify(outdated()));
place("classify-add").addEventListener("click", () => askWhere(addable(), add));
place("classify-csv").addEventListener("click", () => save(csv(table.inOrder()), "classified.csv"));
place("classify-clear").addEventListener("click", () => {
    outgoing.stop();
    for (const item of items) if (item.preview) URL.revokeObjectURL(item.preview);
    items.length = leftOut = 0;
    table.show();
    showWork();
    place("files").focus();
});
