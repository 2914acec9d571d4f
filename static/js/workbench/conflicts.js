// Images that somebody else changed while one was at it: told who made them what, and left to choose.

import { make } from "../thumb.js";
import { counted, toldChange, toldLabel } from "./saying.js";

export class Conflicts {
    // `onMine(deeds)` is called with [{image, change}] where the person insists on the label they gave.
    constructor({ place, classes, onMine }) {
        Object.assign(this, { place, classes, onMine });
        this.open = new Map();
    }

    add(image, change, theirs) {
        this.open.set(String(image.id), { image, change, theirs });
        this.#draw();
    }

    #settle(ids, mine) {
        const settled = ids.map((id) => this.open.get(id));
        ids.forEach((id) => this.open.delete(id));
        this.#draw();
        if (mine) this.onMine(settled);
    }

    #draw() {
        this.place.replaceChildren();
        this.place.hidden = !this.open.size;
        if (!this.open.size) return;
        const all = [...this.open.keys()];
        const header = document.createElement("header");
        const title = Object.assign(document.createElement("h2"), { textContent: `${counted(all.length)} changed by somebody else` });
        header.append(title, this.#buttons(all, all.length > 1 ? "all " : ""));
        const rows = document.createElement("ul");
        for (const [id, conflict] of this.open) rows.append(this.#row(id, conflict, all.length > 1));
        this.place.append(header, rows);
    }

    #row(id, { image, change, theirs }, alone) {
        const row = document.createElement("li");
        const text = document.createElement("span");
        const who = Object.assign(document.createElement("b"), { textContent: theirs.by ?? "An import" });
        text.append(who, ` set it to ${toldLabel(theirs)}; you said ${toldChange(change)}.`);
        const thumb = make(image, this.classes);
        thumb.removeAttribute("role");
        thumb.removeAttribute("aria-selected");
        thumb.removeAttribute("tabindex");
        row.append(thumb, text);
        if (alone) row.append(this.#buttons([id], ""));
        return row;
    }

    #buttons(ids, which) {
        const buttons = Object.assign(document.createElement("span"), { className: "row" });
        for (const [words, mine] of [[`Keep ${which}theirs`, false], [`Set ${which}mine`, true]]) {
            const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: words });
            button.addEventListener("click", () => this.#settle(ids, mine));
            buttons.append(button);
        }
        return buttons;
    }
}
