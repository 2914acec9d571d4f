// The grid of images: loads as one scrolls, groups, holds focus and selection, finds the neighbour of a key press.

import { draw, head, make, normalise } from "../thumb.js";


export class Grid {
    // `pages` brings images; `overlay(image)` shows on a loaded image what is not saved yet; `onSelection` and `onTrouble` are told of both.
    constructor({ place, end, pages, setup, classes, overlay, toldEnd = () => "", onSelection, onTrouble }) {
        Object.assign(this, { place, end, pages, setup, classes, overlay, toldEnd, onSelection, onTrouble });
        this.images = new Map();
        this.elements = new Map();
        this.order = [];
        this.selected = new Set();
        this.focused = null;
        this.anchor = null;
        this.group = null;
        this.loading = null;
        const nearEnd = (seen) => seen.some((each) => each.isIntersecting) && this.load();
        new IntersectionObserver(nearEnd, { rootMargin: `${pages.ahead}px` }).observe(end);
    }

    // Loading

    load() {
        if (!this.pages.more) return Promise.resolve();
        this.loading ??= this.#loadPage().finally(() => (this.loading = null));
        return this.loading;
    }

    async #loadPage() {
        this.end.textContent = "Loading…";
        try {
            this.#append(await this.pages.read());
        } catch (error) {
            this.onTrouble(error, () => this.load());
            return;
        } finally {
            this.end.textContent = "";
        }
        this.tellEnd();
        setTimeout(() => this.fill());
    }

    // Load on while the end is near: an observer tells only of a change, and a thumbnail's size may change in between.
    fill() {
        if (this.pages.more && this.end.getBoundingClientRect().top < window.innerHeight + this.pages.ahead) this.load();
    }

    // Say below the last image what comes after it.
    tellEnd() {
        if (!this.pages.more) this.end.textContent = this.toldEnd();
    }

    #append(results) {
        const made = document.createDocumentFragment();
        for (const result of results) {
            const id = String(result.id);
            if (this.images.has(id)) continue;
            const image = normalise(result);
            this.overlay(image);
            const element = make(image, this.classes);
            this.#startGroup(image, element, made);
            element.place = this.order.length;
            this.images.set(id, image);
            this.elements.set(id, element);
            this.order.push(element);
            made.append(element);
        }
        this.place.append(made);
        if (!this.focused && this.order.length) this.focus(this.order[0], false);
    }

    // A paper starts below a line of its own; a panel group flows on, its first image tagged, every other one tinted.
    #startGroup(image, element, made) {
        if (!this.setup.group) return;
        const byPanel = this.setup.group === "panel";
        const group = byPanel ? `${image.paper}/${image.panel_group || image.file}` : String(image.paper);
        if (group !== this.group) {
            this.odd = !this.odd;
            if (byPanel) element.dataset.group = image.panel_group ? `${image.paper} · ${image.panel_group}` : image.paper ?? "";
            else made.append(head(image));
            element.dataset.panel = image.panel_group;
        }
        this.group = group;
        element.dataset.odd = byPanel && this.odd;
    }

    async loadAll(most) {
        while (this.pages.more && this.order.length < most) await this.load();
    }

    reload() {
        this.place.replaceChildren();
        this.images.clear();
        this.elements.clear();
        this.order = [];
        this.group = null;
        this.focused = this.anchor = null;
        this.clear();
        this.pages.restart();
        return this.load();
    }

    // Showing

    show(image) {
        const element = this.elements.get(String(image.id));
        if (element) draw(element, image, this.classes);
    }

    // Focus

    focus(element, move = true) {
        if (this.focused) this.focused.tabIndex = -1;
        this.focused = element;
        element.tabIndex = 0;
        if (!move) return;
        element.focus({ preventScroll: true });
        element.scrollIntoView({ block: "nearest" });
        if (element.place > this.order.length - this.pages.size / 2) this.load();
    }

    // The image `by` places further, or by rows up and down; null at the ends.
    beside(element, direction) {
        const step = { left: -1, up: -1, right: 1, down: 1 }[direction];
        let place = element.place + step;
        if (direction === "left" || direction === "right") return this.order[place] ?? null;
        const row = (each) => each?.offsetTop;
        while (this.order[place] && row(this.order[place]) === row(element)) place += step;
        const target = row(this.order[place]);
        let best = this.order[place] ?? null;
        const away = (each) => Math.abs(each.offsetLeft - element.offsetLeft);
        for (; this.order[place] && row(this.order[place]) === target; place += step) {
            if (away(this.order[place]) < away(best)) best = this.order[place];
        }
        return best;
    }

    move(direction, extend) {
        if (!this.focused) return;
        const to = this.beside(this.focused, direction);
        if (!to) return;
        if (extend) {
            this.anchor ??= this.focused;
            this.clear();
            this.markRange(this.anchor, to);
        } else {
            this.anchor = to;
        }
        this.focus(to);
    }

    // Selection

    mark(element, on) {
        this.#mark(element, on);
        this.onSelection();
    }

    #mark(element, on) {
        element.setAttribute("aria-selected", String(on));
        if (on) this.selected.add(element.dataset.id);
        else this.selected.delete(element.dataset.id);
    }

    #markEach(elements) {
        for (const element of elements) this.#mark(element, true);
        this.onSelection();
    }

    toggle(element) {
        this.mark(element, element.getAttribute("aria-selected") !== "true");
        this.anchor = element;
    }

    clear() {
        for (const id of this.selected) this.elements.get(id)?.setAttribute("aria-selected", "false");
        this.selected.clear();
        this.onSelection();
    }

    markRange(from, to) {
        const [low, high] = [from.place, to.place].sort((a, b) => a - b);
        this.#markEach(this.order.slice(low, high + 1));
    }

    markAll() {
        this.#markEach(this.order);
    }

    // The selected images, else the one in focus.
    chosen() {
        const ids = this.selected.size ? [...this.selected] : this.focused ? [this.focused.dataset.id] : [];
        return ids.map((id) => this.images.get(id));
    }
}
