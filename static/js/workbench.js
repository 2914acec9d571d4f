// The workbench: the grid, what one does to it by keys, mouse and touch, and the large view over it.

import { get, post } from "./api.js";
import { say } from "./toast.js";
import { acceptAbove } from "./workbench/accepting.js";
import { ask } from "./workbench/asking.js";
import { fillCounts } from "./workbench/facets.js";
import { Grid } from "./workbench/grid.js";
import { meaning, showKeys } from "./workbench/keys.js";
import { Labels } from "./workbench/labels.js";
import { ListPages } from "./workbench/pages.js";
import { QueuePages, QueueStrip } from "./workbench/queue.js";
import { counted, toldChange, toldUnsaved } from "./workbench/saying.js";
import { Viewer } from "./workbench/viewer.js";
import { listenToViews } from "./workbench/views.js";

const MOST_LOADED = 2000;
const setup = JSON.parse(document.getElementById("bench-setup").textContent);
const classes = JSON.parse(document.getElementById("bench-classes").textContent);
const at = (id) => document.getElementById(id);
const one = (selector) => document.querySelector(selector);
const reason = at("bench-reason");
const why = () => (reason?.value ?? "").trim();

// All that match, once somebody asked for them: {count, as_of}.
let matching = null;

const { queue } = setup;
const pages = queue ? new QueuePages({ id: queue.id, onProgress: tellProgress }) : new ListPages(setup.source);
const strip = queue && new QueueStrip({ place: at("bench-queue"), id: queue.id, pages });
const grid = new Grid({
    place: at("grid"),
    end: at("grid-end"),
    pages,
    toldEnd: () => strip?.end() ?? "",
    setup,
    classes,
    overlay: (image) => labels.overlay(image),
    onSelection: tellSelected,
    onTrouble: (error, again) => say(error.message, { bad: true, action: { label: "Try again", run: again } }),
});
const labels = new Labels({
    grid,
    setup,
    classes,
    places: { conflicts: at("bench-conflicts") },
    onState: tellUnsaved,
    onStacks: ({ undo, redo }) => {
        if (one("[data-undo]")) one("[data-undo]").disabled = !undo;
        if (one("[data-redo]")) one("[data-redo]").disabled = !redo;
    },
    onProgress: (id, progress) => id === queue?.id && tellProgress(progress),
    onShown: (image) => viewer.isOpen && viewer.image.id === image.id && !image.unsaved && viewer.refresh(),
});
const viewer = new Viewer({
    dialog: at("viewer"),
    query: setup.query,
    blind: Boolean(queue?.blind),
    onClose: () => grid.focused && grid.focus(grid.focused),
});

// Telling

function tellSelected() {
    matching = null;
    at("bench-selected").textContent = grid.selected.size ? `, ${grid.selected.size.toLocaleString("en")} selected` : "";
}

function tellProgress(progress) {
    if (!progress) return;
    strip.show(progress);
    grid.tellEnd();
}

function tellUnsaved({ count, trouble }) {
    const place = at("bench-unsaved");
    if (!place) return;
    place.hidden = !count;
    place.classList.toggle("bad", Boolean(trouble));
    at("bench-unsaved-text").textContent = trouble ? toldUnsaved(count, trouble) : `Saving ${counted(count, "change")}…`;
    place.querySelector("button").hidden = !trouble;
}

// Deeds, by the names that keys and buttons give them

const deeds = {
    move: (direction, event) => {
        if (!viewer.isOpen) return grid.move(direction, event.shiftKey);
        const to = grid.focused && grid.beside(grid.focused, { up: "left", down: "right" }[direction] ?? direction);
        if (to) openAt(to);
    },
    label: (name) => change({ label: name }),
    exclude: () => {
        const chosen = targets();
        if (chosen.length) change({ excluded: !chosen.every((image) => image.excluded) });
    },
    accept: () => {
        if (!setup.model) return say("Choose whose predictions to show first: “Predictions of”, above.", { bad: true });
        if (!mayLabel()) return;
        if (matching && !viewer.isOpen) acceptMatching(matching);
        else withTargets((chosen) => labels.accept(chosen, why()));
    },
    keep: () => mayKeep() && withTargets((chosen) => labels.keep(chosen)),
    keepRest: () => mayKeep() && decideRest(),
    skip: () => mayDecide() && withTargets((chosen) => labels.skip(chosen.filter((image) => !image.decided))),
    askSecond,
    comeBack: () => {
        pages.comeBack();
        grid.load();
    },
    acceptAbove: () => acceptAbove({ setup, labels, reason: why() }),
    toggle: () => grid.focused && !viewer.isOpen && grid.toggle(grid.focused),
    open: () => (viewer.isOpen ? viewer.dialog.close() : grid.focused && openAt(grid.focused)),
    selectLoaded: () => grid.markAll(),
    selectMatching,
    escape: () => (viewer.isOpen ? viewer.dialog.close() : grid.clear()),
    undo: () => turn(() => labels.undo()),
    redo: () => turn(() => labels.redo()),
    reason: () => reason?.focus(),
    find: () => at("f-q")?.focus(),
    nearer: () => viewer.isOpen && viewer.zoomBy(1.5),
    further: () => viewer.isOpen && viewer.zoomBy(1 / 1.5),
    whole: () => viewer.isOpen && viewer.zoomBy(0),
    why: () => viewer.isOpen && viewer.why?.toggle(),
    showKeys,
};

const mayLabel = () => setup.mayLabel;
const mayDecide = () => mayLabel() && Boolean(queue);
// In a blind queue there is no label to keep.
const mayKeep = () => mayDecide() && (!queue.blind || say("Say what the image shows: in a blind queue its label is not told.", { bad: true }));
const targets = () => (viewer.isOpen ? [viewer.image] : grid.chosen());

function openAt(element) {
    grid.focus(element, false);
    viewer.show(grid.images.get(element.dataset.id));
}

// Do something to the selection, or to the image in focus and go on to the next.
function withTargets(deed) {
    const chosen = targets();
    if (!chosen.length) return;
    deed(chosen);
    if (viewer.isOpen) deeds.move("right", {});
    else if (grid.selected.size) toUndecided();
    else grid.move("right", false);
}

function turn(deed) {
    if (!mayLabel()) return;
    deed();
    if (queue) labels.outbox.whenEmpty(async () => tellProgress(await strip.progressNow()));
}

// To the first image of the queue that nobody decided on yet; in a plain grid the focus stays.
async function toUndecided() {
    grid.clear();
    if (!queue) return;
    const open = () => grid.order.find((element) => !grid.images.get(element.dataset.id).decided);
    if (!open()) await grid.load();
    if (open()) grid.focus(open());
}

// All images on the page that nobody decided on are labelled right.
function decideRest() {
    const rest = [...grid.images.values()].filter((image) => !image.decided);
    if (!rest.length) return say("All images on the page are decided.");
    labels.keep(rest);
    toUndecided();
}

async function askSecond() {
    if (!mayLabel() || queue?.blind) return;
    const images = targets().map((image) => image.id);
    if (!images.length) return;
    try {
        const { asked, already, unlabelled } = await post("/api/v1/second-opinions/", { images });
        const told = [`A second opinion is asked for on ${counted(asked)}`];
        if (already) told.push(`${counted(already)} asked for before`);
        if (unlabelled) told.push(`${counted(unlabelled)} left alone: without a label there is nothing to compare`);
        say(told.join(". "));
    } catch (error) {
        say(error.message, { bad: true });
    }
    grid.clear();
}

function change(what) {
    if (!mayLabel()) return;
    if (matching && !viewer.isOpen) changeMatching(what, matching);
    else withTargets((chosen) => labels.change(chosen, what, why()));
}

async function changeMatching(what, { count, as_of }) {
    if (!(await askOfMatching(`Set ${counted(count)} to ${toldChange(what)}?`, `Set ${counted(count)}`))) return;
    labels.changeMatching(what, why(), { asOf: as_of });
    grid.clear();
}

async function acceptMatching({ count, as_of }) {
    const title = `Accept what ${setup.model} predicts for ${counted(count)}?`;
    if (!(await askOfMatching(title, "Accept", "Those it has said nothing of, and excluded ones, are left alone. "))) return;
    labels.changeMatching(null, why(), { asOf: as_of, accept: { model: setup.model } });
    grid.clear();
}

function askOfMatching(title, yes, besides = "") {
    const text = `All that match the filter, loaded or not. ${besides}It is one step, and one press of “u” undoes it.`;
    return ask({ title, text, yes });
}

async function selectMatching() {
    if (setup.ofEvaluation || queue) {
        await grid.loadAll(MOST_LOADED);
        return grid.markAll();
    }
    try {
        const found = await get(`/api/v1/images/facets/?${new URLSearchParams(setup.query)}`);
        grid.markAll();
        matching = found;
        at("bench-selected").textContent = `, all ${found.count.toLocaleString("en")}${found.exact ? "" : "+"} that match selected`;
    } catch (error) {
        say(error.message, { bad: true });
    }
}

// Mouse and touch

grid.place.addEventListener("click", (event) => {
    const element = event.target.closest(".thumb");
    if (!element) return;
    if (event.shiftKey && grid.anchor) {
        grid.markRange(grid.anchor, element);
    } else if (event.ctrlKey || event.metaKey || event.pointerType === "touch") {
        grid.toggle(element);
    } else {
        const alone = grid.selected.size === 1 && grid.selected.has(element.dataset.id);
        grid.clear();
        grid.mark(element, !alone);
        grid.anchor = element;
    }
    grid.focus(element);
});
// A screen reader sets the focus by itself.
grid.place.addEventListener("focusin", (event) => event.target !== grid.focused && event.target.matches(".thumb") && grid.focus(event.target, false));
grid.place.addEventListener("dblclick", (event) => {
    const element = event.target.closest(".thumb");
    if (element) openAt(element);
});

// Keys and buttons

document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]:not(#viewer)")) return;
    if (event.target.closest("input:not([type=range]), select, textarea, [contenteditable]")) {
        if (event.key === "Escape") event.target.blur();
        return;
    }
    const meant = meaning(event, classes);
    if (!meant || !(meant[0] in deeds)) return;
    event.preventDefault();
    deeds[meant[0]](meant[1] ?? event, event);
});
for (const button of document.querySelectorAll("[data-label]")) {
    button.addEventListener("click", () => deeds.label(button.dataset.label));
}
for (const button of document.querySelectorAll("[data-do]")) {
    button.addEventListener("click", (event) => deeds[button.dataset.do](button.dataset.with ?? event, event));
}
one("[data-retry]")?.addEventListener("click", () => labels.outbox.retry());
document.addEventListener("change", (event) => event.target.matches("[data-now]") && event.target.form.requestSubmit());

const size = at("bench-size");
const FOLDED_BELOW = 80;
const setSize = () => {
    grid.place.style.setProperty("--cell", `${size.value}px`);
    grid.place.classList.toggle("small", size.value < FOLDED_BELOW);
};
size.value = localStorage.getItem("thumb-size") ?? (window.innerWidth < 700 ? 104 : 132);
size.addEventListener("input", () => {
    localStorage.setItem("thumb-size", size.value);
    setSize();
    grid.fill();
});
setSize();
labels.start();
grid.load();
if (!queue) {
    fillCounts(setup);
    listenToViews(setup);
}
