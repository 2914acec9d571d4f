// Sends a form that brings a file: looked at before, its progress shown, the answer's errors put at their fields.

import { duration, Pace } from "./job.js";

export const size = (bytes) =>
    bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

// A file dropped beside its place must not replace the page.
for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
}

export function takeDrops(place, take) {
    const mark = (on) => place.classList.toggle("over", on);
    place.addEventListener("dragenter", () => mark(true));
    place.addEventListener("dragover", () => mark(true));
    place.addEventListener("dragleave", (event) => !place.contains(event.relatedTarget) && mark(false));
    place.addEventListener("drop", (event) => {
        event.preventDefault();
        mark(false);
        take(event.dataTransfer);
    });
}

// The first bytes of a file.
export async function startOf(file, count) {
    return new Uint8Array(await file.slice(0, count).arrayBuffer().catch(() => new ArrayBuffer(0)));
}

// `look(file)` says, as a promise, what speaks against sending a file; an empty text where nothing does.
export function sendWithProgress(form, field, look) {
    const upload = document.getElementById("upload");
    const button = form.querySelector("button.primary");
    const bar = upload.querySelector("[role=progressbar]");
    let sending = null;

    takeDrops(form.querySelector(".drop"), (dropped) => {
        if (!dropped.files.length) return;
        field.files = dropped.files;
        field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    field.addEventListener("change", () => tell(field.name, ""));
    upload.querySelector("[data-stop]").addEventListener("click", () => sending?.abort());
    window.addEventListener("beforeunload", (event) => sending && event.preventDefault());

    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (sending) return;
        const file = field.files[0];
        const against = file ? await look(file) : "";
        if (against) {
            tell(field.name, against);
            field.focus();
            return;
        }
        send(file);
    });

    // Says at a field what is wrong with it; an empty text takes that back.
    function tell(name, text) {
        const place = document.getElementById(`wrong-${name}`);
        place.textContent = text;
        place.closest(".field").classList.toggle("wrong", text !== "");
    }

    function send(file) {
        const pace = new Pace();
        for (const place of form.querySelectorAll("[data-answer]")) tell(place.id.slice("wrong-".length), "");
        sending = new XMLHttpRequest();
        sending.open("POST", form.action);
        sending.upload.addEventListener("progress", ({ loaded, total }) => showSent(pace, loaded, total));
        sending.addEventListener("load", answered);
        sending.addEventListener("error", () => ended("The server cannot be reached. Is it running? Try again."));
        sending.addEventListener("abort", () => ended(""));
        upload.hidden = !file;
        button.disabled = true;
        sending.send(new FormData(form));
    }

    function showSent(pace, loaded, total) {
        const seen = pace.add(loaded, total);
        const percent = Math.floor((100 * loaded) / total);
        const rest = seen && loaded < total ? `, ${size(seen.rate)} a second, ${duration(seen.left)} left` : "";
        upload.querySelector("[data-message]").textContent =
            loaded < total ? `Sent ${size(loaded)} of ${size(total)}${rest}` : "Sent; the server is keeping it";
        upload.querySelector("[data-share]").textContent = `${percent} %`;
        bar.firstElementChild.style.width = `${percent}%`;
        bar.setAttribute("aria-valuenow", String(percent));
    }

    function ended(text) {
        sending = null;
        upload.hidden = true;
        button.disabled = false;
        tell(field.name, text);
    }

    // The answer is the page of the job, or this page again with what was wrong.
    function answered() {
        const { status, responseURL, responseText } = sending;
        if (status === 200 && new URL(responseURL).pathname !== new URL(form.action).pathname) {
            sending = null;
            window.location.assign(responseURL);
            return;
        }
        const page = new DOMParser().parseFromString(responseText, "text/html");
        const told = [...form.querySelectorAll("[data-answer]")].filter((place) => page.getElementById(place.id));
        ended(told.length ? "" : `The server refused the file (${status}). Reload the page and try again.`);
        for (const place of told) tell(place.id.slice("wrong-".length), page.getElementById(place.id).textContent);
        const wrong = form.querySelector(".wrong :is(input, select)");
        wrong?.closest("details")?.setAttribute("open", "");
        wrong?.focus();
    }
}
