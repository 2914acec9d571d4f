// Sends a zip with its progress shown, and single images one by one. Without this script the form sends itself.

import { ApiError } from "./api.js";
import { sendWithProgress, size, startOf, takeDrops } from "./upload.js";

// The zip

const form = document.getElementById("archive-form");
if (form) {
    const archive = document.getElementById("archive");
    sendWithProgress(form, archive, async (file) => {
        const start = await startOf(file, 2);
        if (start[0] !== 0x50 || start[1] !== 0x4b) return "The file is no zip archive. Pack images and labels as a zip.";
        const room = Number(archive.dataset.room);
        return file.size > room ? `The archive has ${size(file.size)}; ${size(room)} can be taken now. Pack it in parts, or import it with a command.` : "";
    });
}

// Single images

const singles = document.getElementById("singles");
if (singles) {
    const AT_ONCE = 2;
    const field = document.getElementById("single-files");
    const list = document.getElementById("single-list");
    const counts = document.getElementById("single-counts");
    const again = counts.querySelector("[data-again]");
    const words = { stored: "stored", known: "already there", refused: "refused", unsent: "not sent", waiting: "to go" };
    const states = { stored: "succeeded", known: "cancelled", refused: "failed", unsent: "failed", waiting: "queued" };
    const items = [];
    let atWork = 0;

    takeDrops(singles.querySelector(".drop"), (dropped) => {
        const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.());
        take([...dropped.files], (place) => entries[place]?.isDirectory ?? false);
    });
    field.addEventListener("change", () => {
        take([...field.files], () => false);
        field.value = "";
    });
    again.addEventListener("click", () => {
        for (const item of items.filter((each) => each.state === "unsent")) draw(item, "waiting");
        goOn();
    });
    window.addEventListener("beforeunload", (event) => (atWork || waiting().length) && event.preventDefault());

    const waiting = () => items.filter((each) => each.state === "waiting");

    // Paper and label are those chosen when the files were dropped.
    function take(files, isFolder) {
        const paper = document.getElementById("single-paper").value.trim();
        const label = document.getElementById("single-label").value;
        files.forEach((file, place) => {
            const item = { file, paper, label, element: document.createElement("li") };
            items.push(item);
            list.prepend(item.element);
            if (isFolder(place)) draw(item, "refused", "It is a folder. Pack it as a zip.");
            else draw(item, "waiting");
        });
        goOn();
    }

    function goOn() {
        for (const item of waiting().slice(0, Math.max(0, AT_ONCE - atWork))) store(item);
        count();
    }

    async function store(item) {
        atWork += 1;
        item.state = "sending";
        const body = new FormData();
        body.append("dataset", singles.dataset.dataset);
        body.append("file", item.file);
        if (item.paper) body.append("paper", item.paper);
        if (item.label) body.append("label", item.label);
        try {
            const { image, created } = await sent(body);
            item.id = image.id;
            draw(item, created ? "stored" : "known");
        } catch (error) {
            const lost = !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
            draw(item, lost ? "unsent" : "refused", error.message);
        } finally {
            atWork -= 1;
            goOn();
        }
    }

    // Posts here rather than through api.js, because the status tells: 201 new, 200 stored already.
    async function sent(body) {
        const token = singles.querySelector("[name=csrfmiddlewaretoken]").value;
        const options = { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } };
        const response = await fetch(singles.dataset.source, options).catch(() => {
            throw new ApiError(0, { detail: "The server cannot be reached, or the file cannot be read." });
        });
        const read = await response.json().catch(() => ({}));
        if (!response.ok) throw new ApiError(response.status, read);
        return { image: read, created: response.status === 201 };
    }

    function draw(item, state, reason = "") {
        item.state = state;
        const what = Object.assign(document.createElement("span"), { className: "what" });
        const name = item.paper ? `${item.paper}/${item.file.name}` : item.file.name;
        const link = item.id ? document.createElement("a") : document.createElement("span");
        if (item.id) link.href = singles.dataset.image.replace("/0/", `/${item.id}/`);
        link.textContent = name;
        what.append(link);
        if (reason) what.append(Object.assign(document.createElement("span"), { className: "sub", textContent: reason }));
        const badge = Object.assign(document.createElement("span"), { className: `state state-${states[state]}` });
        badge.textContent = words[state];
        item.element.replaceChildren(what, badge);
    }

    function count() {
        const told = Object.keys(words)
            .map((state) => [items.filter((each) => each.state === state).length + (state === "waiting" ? atWork : 0), words[state]])
            .filter(([number]) => number);
        counts.hidden = !items.length;
        counts.firstElementChild.textContent = told.map(([number, word]) => `${number.toLocaleString("en")} ${word}`).join(", ");
        again.hidden = !items.some((each) => each.state === "unsent");
    }
}
