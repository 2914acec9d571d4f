// Labels given in the grid: shown at once, saved behind, undone and redone, never lost and never written over
// what somebody else said meanwhile.

import { say } from "../toast.js";
import { Conflicts } from "./conflicts.js";
import { Deeds } from "./deeds.js";
import { newKey } from "./key.js";
import { Outbox } from "./outbox.js";
import { counted, toldLabel, toldSaved } from "./saying.js";
import { isTurn, Sending } from "./sending.js";

// `decided` is what this person did with an image of a queue: "decided", "skipped", or nothing yet.
const asShown = ({ id, label, excluded, decided }) => ({ id, label, excluded, decided: decided ?? null });

const seen = (images) => images.map(({ id, version }) => ({ id, version }));

export class Labels {
    constructor({ grid, setup, classes, places, onState, onStacks, onShown, onProgress }) {
        Object.assign(this, { grid, setup, onShown });
        const whose = `${setup.user}:${setup.query.dataset ?? ""}`;
        this.deeds = new Deeds({ place: `deeds:${whose}`, onChange: onStacks });
        const sending = new Sending({ deeds: this.deeds, onProgress });
        this.outbox = new Outbox({
            place: `outbox:${whose}`,
            together: (waiting) => sending.together(waiting),
            send: (deeds) => sending.send(deeds),
            onAnswers: (tell) => this.deeds.atOnce(tell),
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
        this.#do({ kind: "relabel", change, reason, images: seen(images) }, images, () => change);
    }

    // In a queue: these images are labelled right as they are, or laid aside.
    keep(images) {
        this.#do({ kind: "keep", reason: "", images: seen(images) }, images, () => ({}));
    }

    skip(images) {
        this.#do({ kind: "skip", reason: "", images: seen(images) }, images, () => ({ decided: "skipped" }));
    }

    accept(images, reason) {
        const said = images.filter((image) => image.prediction);
        if (!said.length) return say(`${this.setup.model} has said nothing of ${images.length === 1 ? "this image" : "these images"} yet.`, { bad: true });
        const change = (image) => ({ label: image.prediction.label });
        this.#do({ kind: "accept", model: this.setup.model, reason, images: seen(said) }, said, change);
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
        const queue = this.setup.queue?.id;
        const after = images.map((image) => ({ ...asShown(image), ...(queue && { decided: "decided" }), ...change(image) }));
        this.deeds.remember({ key, before, after });
        this.#show(after);
        this.outbox.add({ ...deed, key, before, after, ...(queue && { queue }) });
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

    #saved(deed, answer) {
        const turned = isTurn(deed);
        const stale = new Map(answer.stale.map((each) => [String(each.id), each]));
        const others = (labels) => labels?.filter((each) => !stale.has(String(each.id)));
        if (answer.batch && !turned) this.deeds.settle(deed.key, { batch: answer.batch, before: others(deed.before), after: others(deed.after) });
        else if (!turned) this.deeds.forget(deed.key);
        this.#showTheirs(deed, stale, turned);
        this.#giveBack(deed, answer.taken ?? []);
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

    // Images of a queue that somebody else has by now.
    #giveBack(deed, taken) {
        if (!taken.length) return;
        const before = new Map(deed.before.map((each) => [String(each.id), each]));
        this.#show(taken.map(({ id }) => ({ ...before.get(String(id)), decided: "elsewhere" })), -1);
        const who = [...new Set(taken.map((each) => each.by).filter(Boolean))].join(", ");
        say(`${counted(taken.length)} left alone: ${who || "somebody else"} has ${taken.length === 1 ? "it" : "them"} now`, { bad: true });
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
    #take(image, { label, excluded, decided = null }, step = 1) {
        const same = image.label === label && image.excluded === excluded;
        if (same && (image.decided ?? null) === decided) return false;
        Object.assign(image, { label, excluded, decided, version: image.version + (same ? 0 : step), unsaved: step > 0 });
        return true;
    }

    #put(image, { label, excluded, version }) {
        Object.assign(image, { label, excluded, version, decided: null, unsaved: false });
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
