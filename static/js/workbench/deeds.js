// What this person did here, for undo and redo; outlives a reload. The newest of each stack comes first to hand.

const MOST = 300;
// What browsers keep for a site ends at some 5 MB; a deed of many images holds each of them twice.
const MOST_IMAGES = 10_000;

// The newest deeds, as many as there is room for; the newest of all in any case.
function newest(deeds) {
    let room = MOST_IMAGES;
    const kept = deeds.slice(-MOST).reverse();
    const end = kept.findIndex((deed, place) => (room -= deed.before?.length ?? 1) < 0 && place > 0);
    return (end < 0 ? kept : kept.slice(0, end)).reverse();
}

export class Deeds {
    constructor({ place, onChange }) {
        Object.assign(this, { place, onChange });
    }

    // Many changes, for one reading and one writing.
    atOnce(change) {
        this.held = this.#read();
        change();
        const stacks = this.held;
        this.held = null;
        this.#write(stacks);
    }

    #read() {
        if (this.held) return this.held;
        return JSON.parse(localStorage.getItem(this.place) ?? '{"done": [], "undone": []}');
    }

    #write({ done, undone }) {
        if (this.held) {
            this.held = { done, undone };
            return;
        }
        const stacks = { done: newest(done), undone: newest(undone) };
        localStorage.setItem(this.place, JSON.stringify(stacks));
        this.onChange({ undo: stacks.done.length, redo: stacks.undone.length });
    }

    tell() {
        this.#write(this.#read());
    }

    remember(deed) {
        this.#write({ done: [...this.#read().done, deed], undone: [] });
    }

    // The deed to undo (or redo) now; it goes to the other stack.
    turn(way) {
        const stacks = this.#read();
        const [from, to] = way === "undo" ? ["done", "undone"] : ["undone", "done"];
        const deed = stacks[from].pop();
        if (deed) stacks[to].push(deed);
        this.#write(stacks);
        return deed ?? null;
    }

    // What the server made of a deed: its batch (null: nothing changed) and what remains of before and after.
    settle(key, changes) {
        const stacks = this.#read();
        const settled = (deed) => (deed.key === key ? { ...deed, ...changes } : deed);
        this.#write({ done: stacks.done.map(settled), undone: stacks.undone.map(settled) });
    }

    forget(key) {
        const stacks = this.#read();
        const others = (deed) => deed.key !== key;
        this.#write({ done: stacks.done.filter(others), undone: stacks.undone.filter(others) });
    }

    batchOf(key) {
        const stacks = this.#read();
        return [...stacks.done, ...stacks.undone].find((deed) => deed.key === key)?.batch ?? null;
    }
}
