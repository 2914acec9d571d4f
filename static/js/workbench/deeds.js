// What this person did here, for undo and redo; outlives a reload. The newest of each stack comes first to hand.

const MOST = 100;

export class Deeds {
    constructor({ place, onChange }) {
        Object.assign(this, { place, onChange });
    }

    #read() {
        return JSON.parse(localStorage.getItem(this.place) ?? '{"done": [], "undone": []}');
    }

    #write({ done, undone }) {
        const stacks = { done: done.slice(-MOST), undone: undone.slice(-MOST) };
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
