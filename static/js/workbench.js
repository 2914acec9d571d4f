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
const KEPT_BATCH = `undo:${setup.query.dataset ?? ""}`;

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
        next = page.next;
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

async function relabel(change) {
    const chosen = targets();
    if (!chosen.length || !setup.mayLabel) return;
    const single = !selected.size;
    const before = chosen.map(({ id, label, excluded }) => ({ id, label, excluded }));
    try {
        const done = await post("/api/v1/relabel/", {
            ...change,
            images: chosen.map(({ id, version }) => ({ id, version })),
            reason: reason.value.trim(),
        });
        const changed = chosen.filter((image) => Object.entries(change).some(([name, value]) => image[name] !== value));
        apply(changed.map(({ id }) => ({ id, ...change })), done.stale);
        if (done.batch) remember({ batch: done.batch, before, after: before.map((each) => ({ ...each, ...change })) });
        tellDone(done, change);
        if (single) {
            step(1, false);
        } else {
            clear();
            tellSelected();
        }
    } catch (error) {
        say(error.message, { bad: true });
    }
}

// Show new labels: each counts one version more, but where somebody else was quicker.
function apply(labels, stale) {
    const others = new Map(stale.map((each) => [each.id, each]));
    for (const each of labels) {
        const image = images.get(String(each.id));
        if (!image) continue;
        const other = others.get(each.id);
        if (other) take(image, other);
        else take(image, { label: image.label, excluded: image.excluded, ...each, version: image.version + 1 });
    }
}

function take(image, { label, excluded, version }) {
    Object.assign(image, { label, excluded, version: version ?? image.version });
    const element = grid.querySelector(`[data-id="${image.id}"]`);
    if (element) draw(element, image, classes);
}

function tellDone(done, change) {
    const what = "label" in change ? change.label ?? "no label" : change.excluded ? "excluded" : "taken back in";
    const told = [`${done.changed} image${done.changed === 1 ? "" : "s"}: ${what}`];
    if (!done.changed) told[0] = `Nothing to change: ${what} already`;
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

function remember(deed) {
    if (deed) sessionStorage.setItem(KEPT_BATCH, JSON.stringify(deed));
    else sessionStorage.removeItem(KEPT_BATCH);
    undoButton.disabled = !deed;
}

async function undo() {
    const deed = JSON.parse(sessionStorage.getItem(KEPT_BATCH) ?? "null");
    if (!deed) return;
    await reverse(deed, "undo", deed.before, { label: "Redo", run: () => redo(deed) });
}

async function redo(deed) {
    if (await reverse(deed, "redo", deed.after, { label: "Undo", run: undo })) remember(deed);
}

async function reverse(deed, way, labels, action) {
    try {
        const done = await post(`/api/v1/relabel/${deed.batch}/${way}/`);
        remember(null);
        apply(labels.filter((each) => differs(each)), done.stale);
        const left = done.stale.length ? `; ${done.stale.length} left as somebody else changed them since` : "";
        say(`${way === "undo" ? "Undone" : "Redone"}: ${done.changed} image${done.changed === 1 ? "" : "s"}${left}`, { action });
        return true;
    } catch (error) {
        say(error.message, { bad: true });
        return false;
    }
}

function differs({ id, label, excluded }) {
    const image = images.get(String(id));
    return image && (image.label !== label || image.excluded !== excluded);
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
if (undoButton) undoButton.disabled = !sessionStorage.getItem(KEPT_BATCH);
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
