// Why a model says what it says of an image: the heat map over it, and the training images nearest to it.

import { get } from "./api.js";

const SETTLES_AFTER = 250;
const ASKS_AGAIN_AFTER = 2000;
const REMEMBERED = "why";
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %`;

export class Why {
    // `heat` is the picture that lies over the image; `section` is that of templates/biofors_site/why.html.
    constructor({ section, heat }) {
        Object.assign(this, { section, heat, image: null, turn: 0 });
        this.toggleButton = section.querySelector("[data-why-toggle]");
        if (!this.toggleButton) return;
        this.body = section.querySelector("[data-why-body]");
        this.model = section.querySelector("#why-model");
        this.class = section.querySelector("#why-class");
        this.opacity = section.querySelector("#why-opacity");
        this.text = section.querySelector("[data-why-text]");
        this.agreement = section.querySelector("[data-why-agreement]");
        this.told = section.querySelector("[data-why-told]");
        this.neighbours = section.querySelector("[data-why-neighbours]");
        this.classes = JSON.parse(document.getElementById("why-classes").textContent);
        this.toggleButton.addEventListener("click", () => this.toggle());
        this.model.addEventListener("change", () => this.#begin());
        this.class.addEventListener("change", () => this.#explain(this.#next()));
        for (const method of section.querySelectorAll("[name=why-method]")) {
            method.addEventListener("change", () => this.#explain(this.#next()));
        }
        this.opacity.addEventListener("input", () => this.#fade());
        // Arrows move the slider, not to another image.
        this.opacity.addEventListener("keydown", (event) => event.stopPropagation());
        heat.addEventListener("error", () => this.#fail(this.text, "The heat map could not be loaded. Choose the method again."));
        this.#fade();
        this.#open(sessionStorage.getItem(REMEMBERED) === "on");
    }

    get isOn() {
        return Boolean(this.body) && !this.body.hidden;
    }

    toggle() {
        if (!this.body) return;
        this.#open(!this.isOn);
        sessionStorage.setItem(REMEMBERED, this.isOn ? "on" : "off");
        if (this.image) this.#begin();
    }

    // Another image is shown: what was asked of the last one is not shown any more.
    show(image) {
        this.image = image;
        if (this.body) this.#begin();
    }

    stop() {
        this.image = null;
        this.turn += 1;
        this.heat.hidden = true;
    }

    #open(isOpen) {
        this.body.hidden = !isOpen;
        this.toggleButton.setAttribute("aria-expanded", String(isOpen));
        this.toggleButton.firstChild.textContent = isOpen ? "Hide why " : "Show why ";
    }

    #next() {
        this.turn += 1;
        return this.turn;
    }

    // Ask anew, of the class that is predicted; whoever goes through images fast asks for none on the way.
    async #begin() {
        const turn = this.#next();
        this.heat.hidden = true;
        if (!this.isOn || !this.image) return;
        this.class.replaceChildren(new Option("Predicted", ""));
        this.class.disabled = true;
        this.neighbours.replaceChildren();
        for (const place of [this.text, this.agreement, this.told]) this.#say(place, "");
        this.#say(this.text, "Asking the model…");
        await new Promise((resolve) => { setTimeout(resolve, SETTLES_AFTER); });
        if (turn !== this.turn) return;
        await this.#explain(turn);
        this.#findNeighbours(this.image.id);
    }

    #address(what, more = {}) {
        return `/api/v1/images/${this.image.id}/${what}/?${new URLSearchParams({ model: this.model.value, ...more })}`;
    }

    async #explain(turn) {
        const method = this.section.querySelector("[name=why-method]:checked").value;
        const asked = { class: this.class.value, method: method === "off" ? "gradcam" : method };
        this.heat.hidden = true;
        this.#say(this.text, method === "occlusion" ? "Hiding one part after the other…" : "Asking the model…");
        this.#say(this.agreement, "");
        try {
            const found = await get(this.#address("explanation", asked));
            if (turn !== this.turn) return;
            this.#fillClasses(found);
            const share = `${found.class}: ${percent(found.probability)}. `;
            this.#say(this.text, method === "off" ? `${share}No heat map is shown.` : share + found.text);
            if (method === "off") return;
            this.heat.src = found.heatmap;
            this.heat.hidden = false;
            if (method === "occlusion") this.#sayAgreement(found.agreement);
            else await this.#check(turn, found.class);
        } catch (error) {
            if (turn === this.turn) this.#fail(this.text, error.message);
        }
    }

    // Occlusion is the check on Grad-CAM: it takes longer, so the map is shown before it is done.
    async #check(turn, name) {
        await new Promise((resolve) => { setTimeout(resolve, SETTLES_AFTER); });
        if (turn !== this.turn) return;
        this.#say(this.agreement, "Checking by occlusion…");
        try {
            const { agreement } = await get(this.#address("explanation", { class: name, method: "occlusion" }));
            if (turn === this.turn) this.#sayAgreement(agreement);
        } catch (error) {
            if (turn === this.turn) this.#fail(this.agreement, `Not checked by occlusion: ${error.message}`);
        }
    }

    #sayAgreement(agreement) {
        this.#say(this.agreement, agreement ? agreement.text : "This network has no Grad-CAM to compare with.");
        this.agreement.classList.toggle("careful", agreement?.verdict === "disagree");
    }

    #fillClasses({ class: chosen, predicted, label, probabilities }) {
        const names = Object.keys(probabilities).sort((one, other) => probabilities[other] - probabilities[one]);
        this.class.replaceChildren(...names.map((name) => {
            const marks = [name === predicted && "predicted", name === label && "its label"].filter(Boolean);
            const text = `${name}, ${percent(probabilities[name])}${marks.length ? ` (${marks.join(", ")})` : ""}`;
            return new Option(text, name, false, name === chosen);
        }));
        this.class.disabled = false;
    }

    async #findNeighbours(id) {
        const model = this.model.value;
        const isAsked = () => this.isOn && this.image?.id === id && this.model.value === model;
        this.#say(this.told, "Looking among the training images…");
        try {
            let found = await get(this.#address("neighbours"));
            while (isAsked() && found.state === "preparing") {
                this.#sayPreparing(found.prepared);
                await new Promise((resolve) => { setTimeout(resolve, ASKS_AGAIN_AFTER); });
                if (isAsked()) found = await get(this.#address("neighbours"));
            }
            if (!isAsked()) return;
            this.#say(this.told, toldNeighbours(found));
            this.neighbours.replaceChildren(...found.neighbours.map((each) => this.#thumb(each)));
        } catch (error) {
            if (isAsked()) this.#fail(this.told, error.message);
        }
    }

    #sayPreparing({ job, done, total }) {
        this.#say(this.told, `Being prepared by a worker: ${done.toLocaleString("en")} of ${total.toLocaleString("en")} training images, `);
        const link = Object.assign(document.createElement("a"), { href: `/classify/datasets/${job}/`, textContent: `job ${job}` });
        this.told.append(link, ". It is done once for each model.");
    }

    #thumb(each) {
        const name = each.paper ? `${each.paper}/${each.file}` : each.file;
        const notes = [each.similarity.toFixed(2)];
        if (each.same_paper) notes.push("same paper");
        if (each.excluded_now) notes.push("now excluded");
        else if (each.label_now !== each.label_then) notes.push(`now ${each.label_now ?? "no label"}`);
        const style = this.classes[each.label_then];
        const link = document.createElement("a");
        link.className = "thumb plain-link";
        link.href = `/images/${each.image}/`;
        link.title = `${name}, taught as ${each.label_then}, ${notes.join(", ")}`;
        if (style) link.style.setProperty("--class", style.colour);
        const picture = span("picture", "");
        picture.append(Object.assign(new Image(), { loading: "lazy", alt: "", src: `/api/v1/images/${each.image}/thumbnail/` }));
        const caption = span("caption", "");
        const changed = each.excluded_now || each.label_now !== each.label_then;
        caption.append(span("letter", style?.short ?? "?"), span("name", name), span(changed ? "said differs" : "said", notes.join(" · ")));
        link.append(picture, caption, span("visually-hidden", `taught as ${each.label_then}`));
        return link;
    }

    #fade() {
        this.heat.style.opacity = this.opacity.value / 100;
    }

    #say(place, text) {
        place.textContent = text;
        place.classList.remove("failed", "careful");
    }

    #fail(place, text) {
        this.#say(place, text);
        place.classList.add("failed");
    }
}

function span(className, text) {
    return Object.assign(document.createElement("span"), { className, textContent: text });
}

// What the nearest training images come to, in a sentence or two.
function toldNeighbours({ neighbours, copies, drawn, model }) {
    const counts = new Map();
    for (const { label_then: name } of neighbours) counts.set(name, (counts.get(name) ?? 0) + 1);
    const shares = [...counts].sort((one, other) => other[1] - one[1]).map(([name, count]) => `${count} ${name}`);
    const told = neighbours.length
        ? [`Of what it learnt from, ${model.name}@${model.version} makes most nearly the same of these; it was taught: ${shares.join(", ")}.`]
        : ["None of its training images can be shown."];
    const near = neighbours.filter((each) => each.same_paper).length;
    if (near) told.push(`${near} of the same paper.`);
    if (copies) told.push("This very image was among them (left out): its answer here is partly memory.");
    if (drawn) told.push("Drawn panels, which it was taught too, are not among those shown.");
    return told.join(" ");
}
