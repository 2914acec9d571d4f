// The table of files: filtered by class, in an order, a piece of it at a time; counts per class above it.

import { look, make, plural } from "./words.js";

const PIECE = 200;
const ALL = "";
const ABSTAINED = "*abstained";
const UNTOLD = "*untold";
const byName = (a, b) => a.path.localeCompare(b.path, "en", { numeric: true });
const confidence = (item, otherwise) => item.result?.confidence ?? otherwise;
const ORDERS = {
    given: (a, b) => a.number - b.number,
    unsure: (a, b) => confidence(a, 2) - confidence(b, 2) || a.number - b.number,
    sure: (a, b) => confidence(b, -1) - confidence(a, -1) || a.number - b.number,
    file: byName,
    label: (a, b) => (a.result?.label ?? "~").localeCompare(b.result?.label ?? "~") || ORDERS.sure(a, b),
};

export class Table {
    #items;
    #row;
    #changed;
    #only = ALL;
    #most = PIECE;
    #rows = document.getElementById("classify-rows");
    #tallies = document.getElementById("classify-tallies");
    #order = document.getElementById("classify-order");
    #all = document.getElementById("classify-all");

    constructor(items, { row, changed }) {
        this.#items = items;
        this.#row = row;
        this.#changed = changed;
        this.#order.addEventListener("change", () => this.show());
        this.#all.addEventListener("change", () => this.#chooseAll());
        document.getElementById("classify-more").addEventListener("click", () => {
            this.#most += PIECE;
            this.show();
        });
        for (const head of document.querySelectorAll("th[data-order]")) this.#makeSortable(head);
    }

    // Shows what changed of some items, and where they stand now.
    show(some = []) {
        if (!this.#items.length) [this.#only, this.#most] = [ALL, PIECE];
        for (const item of some) if (item.element) this.#draw(item);
        const matching = this.inOrder();
        const shown = matching.slice(0, this.#most);
        const rows = shown.map((item) => item.element ?? this.#draw(item));
        const same = rows.length === this.#rows.children.length && rows.every((row, place) => this.#rows.children[place] === row);
        if (!same) this.#rows.replaceChildren(...rows);
        const rest = matching.length - shown.length;
        document.getElementById("classify-rest").hidden = rest === 0;
        document.getElementById("classify-more").textContent = `Show ${Math.min(rest, PIECE)} more of ${plural(rest, "file")}`;
        this.#showHeads();
        this.#showTallies();
        this.chose();
    }

    // What matches the filter, in the order chosen.
    inOrder() {
        return this.#items.filter((item) => this.#matches(item, this.#only)).sort(ORDERS[this.#order.value]);
    }

    chose() {
        const able = this.inOrder().filter((item) => item.result);
        const chosen = able.filter((item) => item.chosen).length;
        this.#all.checked = chosen > 0 && chosen === able.length;
        this.#all.indeterminate = chosen > 0 && chosen < able.length;
        this.#changed();
    }

    // Draws a row anew; what had the focus in it has it again.
    #draw(item) {
        const old = item.element;
        const held = old?.contains(document.activeElement) ? document.activeElement.closest("td")?.className : null;
        item.element = this.#row(item);
        old?.replaceWith(item.element);
        if (held) item.element.querySelector(`td.${held.split(" ")[0]} :is(input, button, a)`)?.focus();
        return item.element;
    }

    #matches({ state, result }, only) {
        if (only === ALL) return true;
        if (only === ABSTAINED) return Boolean(result?.abstained);
        return only === UNTOLD ? state === "refused" || state === "failed" : result?.label === only;
    }

    #chooseAll() {
        for (const item of this.inOrder()) {
            if (!item.result) continue;
            item.chosen = this.#all.checked;
            const box = item.element?.querySelector(".tick input");
            if (box) box.checked = item.chosen;
        }
        this.chose();
    }

    #showTallies() {
        const named = new Map();
        for (const { result } of this.#items) if (result) named.set(result.label, (named.get(result.label) ?? 0) + 1);
        const names = [...named.keys()].sort((a, b) => this.#placeOf(a) - this.#placeOf(b));
        const offered = [ALL, ...names, ABSTAINED, UNTOLD].filter((only) => only === ALL || only === this.#only || this.#count(only));
        const focused = this.#tallies.contains(document.activeElement) ? document.activeElement.dataset.only : null;
        this.#tallies.replaceChildren(...offered.map((only) => this.#tally(only)));
        if (focused !== null) [...this.#tallies.children].find((each) => each.dataset.only === focused)?.focus();
    }

    #placeOf(name) {
        return Object.keys(this.#items.find(({ result }) => result)?.result.probabilities ?? {}).indexOf(name);
    }

    #count(only) {
        return this.#items.filter((item) => this.#matches(item, only)).length;
    }

    #tally(only) {
        const words = { [ALL]: "All", [ABSTAINED]: "Abstained", [UNTOLD]: "Not classified" };
        const button = Object.assign(make("button", "button tally"), { type: "button" });
        button.dataset.only = only;
        button.setAttribute("aria-pressed", String(only === this.#only));
        if (!(only in words)) {
            button.style.setProperty("--class", look(only).colour);
            button.append(make("b", "letter", look(only).short));
        }
        button.append(make("span", "", words[only] ?? only), make("span", "num soft", this.#count(only).toLocaleString("en")));
        button.addEventListener("click", () => {
            this.#only = only;
            this.#most = PIECE;
            this.show();
        });
        return button;
    }

    #makeSortable(head) {
        const button = Object.assign(make("button", "sort", head.textContent), { type: "button" });
        button.addEventListener("click", () => {
            const { order } = head.dataset;
            this.#order.value = this.#order.value === order ? (order === "unsure" ? "sure" : "given") : order;
            this.show();
        });
        head.replaceChildren(button);
    }

    #showHeads() {
        const order = this.#order.value;
        for (const head of document.querySelectorAll("th[data-order]")) {
            const sorted = head.dataset.order === order ? "ascending" : head.dataset.order === "unsure" && order === "sure" ? "descending" : "";
            if (sorted) head.setAttribute("aria-sort", sorted);
            else head.removeAttribute("aria-sort");
        }
    }
}
