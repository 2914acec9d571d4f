// The grid: loads as one scrolls, selects by mouse, touch and keys, relabels the selection, undoes.

import { get, post } from "./api.js";
import { say } from "./toast.js";
import { draw, make, normalise } from "./thumb.js";

const setup = JSON.parse(document.getElementById("bench-setup").textContent);
const classes = JSON.parse(document.getElementById("bench-classes").textContent);
const grid = document.getElementById("grid");
const end = document.getElementById("grid-end");
const reason = document.getElementById("bench-reason");
const undoButton = document.querySelector("[data-undo]");
const PAGE = 120;
const KEPT = `undo:${setup.query.dataset ?? ""}`;
const MOST_KEPT = 50;

const images = new Map();
const selected = new Set();
let focused = null;
let anchor = null;
let next = `${setup.source}${setup.source.includes("?") ? "&" : "?"}page_size=${PAGE}`;
let loading = false;

// Loading

async function load() {
    if (loading || !next) return;
    loading = true;
    end.textContent = "Loading…";
    try {
        const page = await get(next);
        const made = document.createDocumentFragment();
        for (const image of page.results) {
            if (images.has(String(image.id))) continue;
            images.set(String(image.id), normalise(image));
            made.append(make(image, classes));
        }
        grid.append(made);
        // Its path only: behind a proxy the server may not know by which scheme it is reached.
        next = page.next && page.next.slice(new URL(page.next).origin.length);
        end.textContent = "";
        if (!focused && grid.firstElementChild) setFocus(grid.firstElementChild, false);
    } catch (error) {
        end.textContent = "";
        say(error.message, { bad: true, action: { label: "Try again", run: load } });
        return;
    } finally {
        loading = false;
    }
    if (next && end.getBoundingClientRect().top < window.innerHeight + 600) load();
}

new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && load(), { rootMargin: "600px" }).observe(end);

// Focus and selection

function setFocus(element, move = true) {
    if (focused) focused.tabIndex = -1;
    focused = element;
    element.tabIndex = 0;
    if (move) {
        element.focus({ preventScroll: true });
        element.scrollIntoView({ block: "nearest" });
    }
}

function mark(element, on) {
    element.setAttribute("aria-selected", String(on));
    if (on) selected.add(element.dataset.id);
    else selected.delete(element.dataset.id);
}

function clear() {
    for (const element of grid.querySelectorAll('[aria-selected="true"]')) mark(element, false);
}

function range(from, to) {
    const all = [...grid.children];
    const [low, high] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
    all.slice(low, high + 1).forEach((element) => mark(element, true));
}

function tellSelected() {
    document.getElementById("bench-selected").textContent = selected.size ? `, ${selected.size} selected` : "";
}

grid.addEventListener("click", (event) => {
    const element = event.target.closest(".thumb");
    if (!element) return;
    if (event.shiftKey && anchor) {
        range(anchor, element);
    } else if (event.ctrlKey || event.metaKey || event.pointerType === "touch") {
        mark(element, element.getAttribute("aria-selected") !== "true");
        anchor = element;
    } else {
        const alone = selected.size === 1 && selected.has(element.dataset.id);
        clear();
        mark(element, !alone);
        anchor = element;
    }
    setFocus(element);
    tellSelected();
});

grid.addEventListener("dblclick", (event) => {
    const element = event.target.closest(".thumb");
    if (element) open(element);
});

function open(element) {
    window.location.href = `/images/${element.dataset.id}/?${new URLSearchParams(setup.query)}`;
}

function columns() {
    const top = grid.firstElementChild?.offsetTop;
    let count = 0;
    for (const element of grid.children) {
        if (element.offsetTop !== top) break;
        count += 1;
    }
    return Math.max(1, count);
}

function step(by, extend) {
    const all = [...grid.children];
    const from = all.indexOf(focused);
    const to = all[Math.min(all.length - 1, Math.max(0, from + by))];
    if (!to) return;
    if (extend) {
        anchor ??= focused;
        clear();
        range(anchor, to);
        tellSelected();
    } else {
        anchor = to;
    }
    setFocus(to);
    if (from + by >= all.length - columns() * 2) load();
}

// Labels

function targets() {
    const ids = selected.size ? [...selected] : focused ? [focused.dataset.id] : [];
    return ids.map((id) => images.get(id));
}

// One request after the other: each names the versions that the one before has left.
let sending = Promise.resolve();

function inTurn(deed) {
    sending = sending.then(deed).catch((error) => say(error.message, { bad: true }));
}

function relabel(change) {
    const chosen = targets();
    if (!chosen.length || !setup.mayLabel) return;
    const why = reason.value.trim();
    const marked = [...selected];
    if (marked.length) {
        clear();
        tellSelected();
    } else {
        step(1, false);
    }
    inTurn(async () => {
        try {
            await send(chosen, change, why);
        } catch (error) {
            marked.forEach((id) => mark(elementOf(id), true));
            tellSelected();
            throw error;
        }
    });
}

async function send(chosen, change, why) {
    const before = chosen.map(({ id, label, excluded }) => ({ id, label, excluded }));
    const images = chosen.map(({ id, version }) => ({ id, version }));
    const done = await post("/api/v1/relabel/", { ...change, images, reason: why });
    const mine = without(done.stale, before);
    const after = mine.map((each) => ({ ...each, ...change }));
    apply(after, done.stale);
    if (done.batch) remember({ batch: done.batch, before: mine, after });
    tellDone(done, change);
}

function without(stale, labels) {
    const others = new Set(stale.map((each) => each.id));
    return labels.filter((each) => !others.has(each.id));
}

// Show new labels, each one version on where it differs; and what others made of the stale ones.
function apply(labels, stale) {
    for (const { id, label, excluded } of labels) {
        const image = images.get(String(id));
        if (!image || (image.label === label && image.excluded === excluded)) continue;
        take(image, { label, excluded, version: image.version + 1 });
    }
    for (const other of stale) {
        const image = images.get(String(other.id));
        if (image) take(image, other);
    }
}

function elementOf(id) {
    return grid.querySelector(`[data-id="${id}"]`);
}

function take(image, { label, excluded, version }) {
    Object.assign(image, { label, excluded, version: version ?? image.version });
    const element = elementOf(image.id);
    if (element) draw(element, image, classes);
}

function tellDone(done, change) {
    const what = "label" in change ? change.label ?? "no label" : change.excluded ? "excluded" : "taken back in";
    const told = [];
    if (done.changed) told.push(`${done.changed} image${done.changed === 1 ? "" : "s"}: ${what}`);
    else if (done.unchanged) told.push(`Nothing to change: ${what} already`);
    for (const each of done.stale.slice(0, 3)) {
        told.push(`${each.by ?? "An import"} was quicker on one: ${each.excluded ? "excluded" : each.label ?? "no label"}`);
    }
    const action = done.batch ? { label: "Undo", run: undo } : null;
    say(told.join(". "), { action, bad: done.stale.length > 0 });
}

function exclude() {
    const chosen = targets();
    if (chosen.length) relabel({ excluded: !chosen.every((image) => image.excluded) });
}

// What this tab did, newest last: undo takes back one deed after the other, also after a reload.
function deeds() {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
}

function keep(all) {
    sessionStorage.setItem(KEPT, JSON.stringify(all.slice(-MOST_KEPT)));
    undoButton.disabled = !all.length;
}

function remember(deed) {
    keep([...deeds(), deed]);
}

function undo() {
    inTurn(async () => {
        const all = deeds();
        const deed = all.pop();
        if (!deed) return;
        await reverse(deed, "undo", deed.before, { label: "Redo", run: () => redo(deed) });
        keep(all);
    });
}

function redo(deed) {
    inTurn(async () => {
        await reverse(deed, "redo", deed.after, { label: "Undo", run: undo });
        remember(deed);
    });
}

async function reverse(deed, way, labels, action) {
    const done = await post(`/api/v1/relabel/${deed.batch}/${way}/`);
    apply(without(done.stale, labels), done.stale);
    const left = done.stale.length ? `; ${done.stale.length} left as somebody else changed them since` : "";
    say(`${way === "undo" ? "Undone" : "Redone"}: ${done.changed} image${done.changed === 1 ? "" : "s"}${left}`, { action });
}

// Keys

document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, [contenteditable]")) {
        if (event.key === "Escape") event.target.blur();
        return;
    }
    if (event.altKey) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "z") return act(event, undo);
    if (command) return;
    const moves = {
        ArrowLeft: -1, h: -1, ArrowRight: 1, l: 1,
        ArrowUp: -columns(), k: -columns(), ArrowDown: columns(), j: columns(),
    };
    const move = moves[event.key] ?? moves[event.key.toLowerCase()];
    const name = Object.keys(classes).find((each) => classes[each].hotkey === event.key);
    if (move) act(event, () => step(move, event.shiftKey));
    else if (name) act(event, () => relabel({ label: name }));
    else if (event.key === "x") act(event, exclude);
    else if (event.key === "u") act(event, undo);
    else if (event.key === "a") act(event, selectLoaded);
    else if (event.key === "Escape") act(event, () => (clear(), tellSelected()));
    else if (event.target.closest("button, a")) return;
    else if (event.key === " " && focused) act(event, () => (mark(focused, focused.getAttribute("aria-selected") !== "true"), (anchor = focused), tellSelected()));
    else if (event.key === "Enter" && focused) act(event, () => open(focused));
});

function act(event, deed) {
    event.preventDefault();
    deed();
}

function selectLoaded() {
    for (const element of grid.children) mark(element, true);
    tellSelected();
}

// Buttons

for (const button of document.querySelectorAll("[data-label]")) {
    button.addEventListener("click", () => relabel({ label: button.dataset.label }));
}
document.querySelector("[data-exclude]")?.addEventListener("click", exclude);
document.querySelector("[data-all]").addEventListener("click", selectLoaded);
undoButton?.addEventListener("click", undo);
if (undoButton) undoButton.disabled = !deeds().length;
document.addEventListener("change", (event) => event.target.matches("[data-now]") && event.target.form.requestSubmit());

const size = document.getElementById("bench-size");
const setSize = () => grid.style.setProperty("--cell", `${size.value}px`);
size.value = localStorage.getItem("thumb-size") ?? (window.innerWidth < 700 ? 104 : 132);
size.addEventListener("input", () => {
    localStorage.setItem("thumb-size", size.value);
    setSize();
});
setSize();
load();
