// Labels given in the grid: shown at once, saved behind, undone and redone, never lost and never written over
// what somebody else said meanwhile.

import { ApiError, post } from "../api.js";
import { say } from "../toast.js";
import { Conflicts } from "./conflicts.js";
import { Deeds } from "./deeds.js";
import { newKey } from "./key.js";
import { Outbox } from "./outbox.js";
import { counted, toldLabel, toldSaved } from "./saying.js";

const MOST_TOGETHER = 50;
const isTurn = (deed) => deed.kind === "undo" || deed.kind === "redo";
const isPlain = (deed) => deed.kind === "relabel" && Boolean(deed.images) && deed.images.length <= MOST_TOGETHER;
// How many of the first deeds go in one request.
function together(waiting) {
    const other = waiting.findIndex((deed) => !isPlain(deed));
    return Math.min(MOST_TOGETHER, other < 0 ? waiting.length : Math.max(1, other));
}

const asShown = ({ id, label, excluded }) => ({ id, label, excluded });

export class Labels {
    constructor({ grid, setup, classes, places, onState, onStacks, onShown }) {
        Object.assign(this, { grid, setup, onShown });
        const whose = `${setup.user}:${setup.query.dataset ?? ""}`;
        this.deeds = new Deeds({ place: `deeds:${whose}`, onChange: onStacks });
        this.outbox = new Outbox({
            place: `outbox:${whose}`,
            together,
            send: (deeds) => (deeds.length > 1 ? this.#sendMany(deeds) : this.#send(deeds[0]).then((answer) => [answer])),
            onSaved: (deed, answer) => this.#saved(deed, answer),
            onRefused: (deed, error) => this.#refused(deed, error),
            onState,
        });
        this.conflicts = new Conflicts({
            place: places.conflicts,
            classes,
            onMine: (all) => all.forEach(({ image, change }) => this.change([image], change, "")),
        });
    }

    // What chooses the images of the grid, in whatever order.
    get filter() {
        const { ordering, ...filter } = this.setup.query;
        return filter;
    }

    start() {
        this.deeds.tell();
        this.outbox.retry();
    }

    // Show on an image that was just loaded what is not saved yet.
    overlay(image) {
        for (const deed of this.outbox.waiting()) {
            const after = (deed.after ?? []).find((each) => String(each.id) === String(image.id));
            if (after) this.#take(image, after);
        }
    }

    // Deeds

    // `change` is {label} or {excluded}.
    change(images, change, reason) {
        const seen = images.map(({ id, version }) => ({ id, version }));
        this.#do({ kind: "relabel", change, reason, images: seen }, images, () => change);
    }

    accept(images, reason) {
        const said = images.filter((image) => image.prediction);
        if (!said.length) return say(`${this.setup.model} has said nothing of ${images.length === 1 ? "this image" : "these images"} yet.`, { bad: true });
        const seen = said.map(({ id, version }) => ({ id, version }));
        const change = (image) => ({ label: image.prediction.label });
        this.#do({ kind: "accept", model: this.setup.model, reason, images: seen }, said, change);
    }

    // All that the filter finds, as it stood at a moment, whether loaded or not.
    changeMatching(change, reason, { asOf, accept = null }) {
        const kind = accept ? "accept" : "relabel";
        const deed = { kind, change, reason, filter: this.filter, as_of: asOf, ...accept, key: newKey() };
        this.deeds.remember({ key: deed.key, matching: true });
        this.outbox.add(deed);
    }

    #do(deed, images, change) {
        const key = newKey();
        const before = images.map(asShown);
        const after = images.map((image) => ({ ...asShown(image), ...change(image) }));
        this.deeds.remember({ key, before, after });
        this.#show(after);
        this.outbox.add({ ...deed, key, before, after });
    }

    undo() {
        this.#turn("undo");
    }

    redo() {
        this.#turn("redo");
    }

    #turn(way) {
        const deed = this.deeds.turn(way);
        if (!deed) return;
        const [before, after] = way === "undo" ? [deed.after, deed.before] : [deed.before, deed.after];
        if (after) this.#show(after);
        this.outbox.add({ kind: way, key: newKey(), of: deed.key, matching: deed.matching, before, after });
    }

    // What the server made of them

    // Deeds that pile up while others are on their way go together, each still a deed of its own.
    async #sendMany(deeds) {
        const bodies = deeds.map(({ key, reason, images, change }) => ({ key, reason, images, ...change }));
        const { results } = await post("/api/v1/relabel/many/", { deeds: bodies });
        return results.map((each) => (each.error ? new ApiError(400, each.error) : each));
    }

    async #send(deed) {
        if (isTurn(deed)) return this.#sendTurn(deed);
        const { key, reason, images, filter, as_of, change } = deed;
        const which = images ? { images } : { filter, as_of };
        if (deed.kind === "accept") {
            const { model, min_confidence } = deed;
            return post("/api/v1/accept/", { key, reason, model, min_confidence, ...which });
        }
        return post("/api/v1/relabel/", { key, reason, ...change, ...which });
    }

    async #sendTurn(deed) {
        const batch = this.deeds.batchOf(deed.of);
        if (!batch) return { changed: 0, unchanged: 0, stale: [] };
        try {
            return await post(`/api/v1/relabel/${batch}/${deed.kind}/`);
        } catch (error) {
            // An answer that got lost on its way: what is asked for stands already.
            if (error.code === "not_reversible" && deed.tried) return { changed: deed.after?.length ?? 0, unchanged: 0, stale: [] };
            throw error;
        }
    }

    #saved(deed, answer) {
        const turned = isTurn(deed);
        const stale = new Map(answer.stale.map((each) => [String(each.id), each]));
        const others = (labels) => labels?.filter((each) => !stale.has(String(each.id)));
        if (answer.batch && !turned) this.deeds.settle(deed.key, { batch: answer.batch, before: others(deed.before), after: others(deed.after) });
        else if (!turned) this.deeds.forget(deed.key);
        this.#showTheirs(deed, stale, turned);
        this.#settled(others(deed.after) ?? []);
        this.#tellSaved(deed, answer, stale, turned);
        if (deed.filter || deed.matching) this.grid.reload();
    }

    #tellSaved(deed, answer, stale, turned) {
        const told = [toldSaved(deed, answer)];
        if (turned && stale.size) told.push(`${counted(stale.size)} left as somebody else changed ${stale.size === 1 ? "it" : "them"} since`);
        else if (stale.size && !deed.images) told.push(`${counted(stale.size)} left alone: changed meanwhile`);
        const skipped = Object.values(answer.skipped ?? {}).reduce((all, each) => all + each, 0);
        if (skipped) told.push(`${counted(skipped)} left alone: excluded, or without a prediction`);
        const text = told.filter(Boolean).join(". ");
        const back = deed.kind === "undo" ? { label: "Redo", run: () => this.redo() } : { label: "Undo", run: () => this.undo() };
        if (text) say(text, { action: answer.changed ? back : null });
    }

    // Another's label is shown; where this person had said something else, they choose.
    #showTheirs(deed, stale, turned) {
        for (const theirs of stale.values()) {
            const image = this.grid.images.get(String(theirs.id));
            if (!image) continue;
            this.#put(image, { label: theirs.label, excluded: theirs.excluded, version: theirs.version ?? image.version });
            const mine = (deed.after ?? []).find((each) => String(each.id) === String(theirs.id));
            if (turned || !mine || toldLabel(mine) === toldLabel(theirs)) continue;
            this.conflicts.add(image, deed.change ?? { label: mine.label }, theirs);
        }
    }

    #refused(deed, error) {
        this.deeds.forget(deed.of ?? deed.key);
        if (deed.before) this.#show(deed.before, -1);
        say(error.message, { bad: true, seconds: 20 });
    }

    // Showing

    #show(labels, step = 1) {
        for (const label of labels) {
            const image = this.grid.images.get(String(label.id));
            if (image && this.#take(image, label, step)) this.#shown(image);
        }
    }

    // A change makes one more version, here as on the server.
    #take(image, { label, excluded }, step = 1) {
        if (image.label === label && image.excluded === excluded) return false;
        Object.assign(image, { label, excluded, version: image.version + step, unsaved: step > 0 });
        return true;
    }

    #put(image, { label, excluded, version }) {
        Object.assign(image, { label, excluded, version, unsaved: false });
        this.#shown(image);
    }

    // These labels are saved, but of images of which more waits.
    #settled(labels) {
        const waiting = new Set(this.outbox.waiting().flatMap((deed) => deed.after ?? []).map((each) => String(each.id)));
        for (const { id } of labels) {
            const image = this.grid.images.get(String(id));
            if (!image?.unsaved || waiting.has(String(id))) continue;
            image.unsaved = false;
            this.#shown(image);
        }
    }

    #shown(image) {
        this.grid.show(image);
        this.onShown(image);
    }
}
