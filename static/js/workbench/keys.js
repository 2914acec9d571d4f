// The keys of the workbench: what they do, and the table of them that `?` shows.

export const KEYS = [
    ["←↑↓→  h j k l", "go to another image; with Shift, select on the way"],
    ["1 to 5, or a class's letter", "set the class of the image in focus and go on, or of the selection"],
    ["x", "exclude, or take back in"],
    ["p", "accept what the model predicts"],
    ["y", "in a queue: right as it is; Shift+Y: so are all others on the page"],
    ["s", "in a queue: skip"],
    ["o", "ask for a second opinion"],
    ["space", "select or not; a click selects, Shift a range, Ctrl one more"],
    ["a", "select all that are loaded"],
    ["Shift+A", "select all that match the filter"],
    ["Esc", "select none; close what is open"],
    ["Enter", "open the large view, and close it"],
    ["+  −  0", "in the large view: nearer, further, whole"],
    ["w", "in the large view: why the model says so"],
    ["u  or  Ctrl+Z", "undo, also after a reload"],
    ["Shift+U  or  Ctrl+Shift+Z", "redo"],
    ["r", "write a reason, kept with the labels"],
    ["/", "find by name"],
    ["?", "this list"],
];

export function showKeys() {
    const dialog = document.createElement("dialog");
    dialog.className = "ask keys-list";
    dialog.setAttribute("aria-label", "Keys");
    const list = document.createElement("dl");
    for (const [keys, does] of KEYS) {
        list.append(Object.assign(document.createElement("dt"), { textContent: keys }));
        list.append(Object.assign(document.createElement("dd"), { textContent: does }));
    }
    const close = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Close" });
    close.addEventListener("click", () => dialog.close());
    dialog.append(Object.assign(document.createElement("h2"), { textContent: "Keys" }), list, close);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (event) => event.key === "?" && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
}

const DIRECTIONS = {
    ArrowLeft: "left", h: "left", ArrowRight: "right", l: "right", ArrowUp: "up", k: "up", ArrowDown: "down", j: "down",
};
const SINGLE = {
    x: "exclude", p: "accept", y: "keep", Y: "keepRest", s: "skip", o: "askSecond", a: "selectLoaded", A: "selectMatching", u: "undo", U: "redo", r: "reason", w: "why", "/": "find",
    "?": "showKeys", Escape: "escape", "+": "nearer", "=": "nearer", "-": "further", 0: "whole",
};

// What a key press asks for: [deed, its argument], or null. Keys of a class come before the others' letters.
export function meaning(event, classes) {
    if (event.altKey) return null;
    const key = event.key;
    if (event.ctrlKey || event.metaKey) return key.toLowerCase() === "z" ? [event.shiftKey ? "redo" : "undo"] : null;
    const name = Object.keys(classes).find((each) => key === classes[each].hotkey || key === classes[each].letter);
    if (name) return ["label", name];
    const direction = DIRECTIONS[key] ?? (event.shiftKey ? DIRECTIONS[key.toLowerCase()] : undefined);
    if (direction) return ["move", direction];
    if (key in SINGLE) return [SINGLE[key]];
    if (event.target.closest("button, a, summary")) return null;
    return key === " " ? ["toggle"] : key === "Enter" ? ["open"] : null;
}
