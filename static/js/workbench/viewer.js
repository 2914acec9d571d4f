// The large view over the grid: the image with zoom, and beside it label, predictions, history and siblings.

import { Why } from "../why.js";

const NEAREST = 12;

export class Viewer {
    // `onMove(direction)` goes to another image of the grid, `onClose` gives the focus back to it.
    // `blind`: nothing but the picture is shown.
    constructor({ dialog, query, blind, onClose }) {
        Object.assign(this, { dialog, query, blind, onClose });
        this.stage = dialog.querySelector("[data-stage]");
        this.picture = this.stage.querySelector("img");
        this.heat = this.stage.querySelector("[data-why-heat]");
        const section = dialog.querySelector("[data-why]");
        this.why = section && new Why({ section, heat: this.heat });
        this.side = dialog.querySelector("[data-side]");
        this.title = dialog.querySelector("h2");
        this.page = dialog.querySelector("[data-page]");
        this.image = null;
        dialog.addEventListener("close", () => {
            this.why?.stop();
            this.onClose();
        });
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
        dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
        for (const button of dialog.querySelectorAll("[data-zoom]")) {
            button.addEventListener("click", () => this.zoomBy(Number(button.dataset.zoom)));
        }
        this.#listenToPointer();
    }

    get isOpen() {
        return this.dialog.open;
    }

    show(image) {
        if (!this.isOpen) this.dialog.showModal();
        this.image = image;
        this.title.textContent = image.paper ? `${image.paper} / ${image.file}` : image.file;
        const address = `/images/${image.id}/`;
        this.picture.src = `/api/v1/images/${image.id}/picture/`;
        this.picture.alt = this.title.textContent;
        this.page.href = `${address}?${new URLSearchParams(this.query)}`;
        this.zoomBy(0);
        this.why?.show(image);
        this.refresh();
    }

    // What is known of the image beside it, as the image's own page tells it.
    async refresh() {
        const { id } = this.image;
        this.page.hidden = this.blind;
        if (this.blind) {
            this.side.textContent = "A second opinion: labels, predictions and history are not shown. Say what you see.";
            return;
        }
        const answer = await fetch(`/images/${id}/panel/`, { credentials: "same-origin" }).catch(() => null);
        if (this.image.id !== id) return;
        if (answer?.ok) this.side.innerHTML = await answer.text();
        else this.side.textContent = "The server cannot be reached: predictions and history are not shown.";
    }

    // Zoom by a factor around a point of the stage; 0 shows the whole image.
    zoomBy(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
        const before = factor ? this.scale : 1;
        this.scale = factor ? Math.min(NEAREST, Math.max(1, this.scale * factor)) : 1;
        if (this.scale === 1) this.offset = [0, 0];
        const grown = this.scale / before;
        const [left, top] = this.offset;
        if (this.scale > 1) this.offset = [x - (x - left) * grown, y - (y - top) * grown];
        this.#place();
    }

    #place() {
        const [left, top] = this.offset;
        for (const layer of [this.picture, this.heat]) {
            layer.style.transform = `translate(${left}px, ${top}px) scale(${this.scale})`;
        }
        this.stage.classList.toggle("zoomed", this.scale > 1);
    }

    #listenToPointer() {
        const held = new Map();
        this.stage.addEventListener("wheel", (event) => {
            event.preventDefault();
            const box = this.stage.getBoundingClientRect();
            this.zoomBy(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - box.left, event.clientY - box.top);
        }, { passive: false });
        this.stage.addEventListener("dblclick", () => this.zoomBy(this.scale > 1 ? 0 : 3));
        this.stage.addEventListener("pointerdown", (event) => {
            held.set(event.pointerId, event);
            this.stage.setPointerCapture(event.pointerId);
        });
        this.stage.addEventListener("pointermove", (event) => {
            const last = held.get(event.pointerId);
            if (!last) return;
            held.set(event.pointerId, event);
            const other = [...held.values()].find((each) => each.pointerId !== event.pointerId);
            if (other) this.#pinch(last, event, other);
            else if (this.scale > 1) this.#drag(event.clientX - last.clientX, event.clientY - last.clientY);
        });
        for (const name of ["pointerup", "pointercancel"]) {
            this.stage.addEventListener(name, (event) => held.delete(event.pointerId));
        }
    }

    #drag(x, y) {
        this.offset = [this.offset[0] + x, this.offset[1] + y];
        this.#place();
    }

    #pinch(before, now, other) {
        const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        const box = this.stage.getBoundingClientRect();
        const middle = [(now.clientX + other.clientX) / 2 - box.left, (now.clientY + other.clientY) / 2 - box.top];
        if (apart(before)) this.zoomBy(apart(now) / apart(before), ...middle);
    }
}
