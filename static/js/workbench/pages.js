// Where the grid's images come from: a list over REST, page by page.

import { get } from "../api.js";

export class ListPages {
    size = 120;
    // How far below the window the next page is asked for, in pixels.
    ahead = 900;

    constructor(source) {
        this.first = `${source}${source.includes("?") ? "&" : "?"}page_size=${this.size}`;
        this.restart();
    }

    restart() {
        this.next = this.first;
    }

    get more() {
        return Boolean(this.next);
    }

    async read() {
        const page = await get(this.next);
        // Its path only: behind a proxy the server may not know by which scheme it is reached.
        this.next = page.next && page.next.slice(new URL(page.next).origin.length);
        return page.results;
    }
}
