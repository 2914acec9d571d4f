// Classify files: dropped, pasted or chosen; a card for each, the newest drop on top, nothing kept on the server.

import { post } from "./api.js";
import { say } from "./toast.js";

const CLASSIFY = "/api/v1/classify/";
// What browsers can draw; a TIFF is told by its name only.
const DRAWN = new Set(["image/png", "image/jpeg"]);
const setup = JSON.parse(document.getElementById("classify-setup").textContent);
const place = (name) => document.getElementById(name);
const results = place("classify-results");
const told = [];
let waiting = Promise.resolve();
let todo = 0;
let done = 0;

function make(tag, className = "", text = "") {
    return Object.assign(document.createElement(tag), { className, textContent: text });
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const percent = (share) => `${Math.round(share * 100)} %`;

function chip(name) {
    const look = setup.looks[name] ?? { short: "?", colour: "#7f7f7f" };
    const element = make("span", "chip");
    element.style.setProperty("--class", look.colour);
    element.append(make("b", "", look.short), name);
    return element;
}

function bars(probabilities) {
    const element = make("div", "probabilities");
    for (const [name, share] of Object.entries(probabilities)) {
        const track = make("span", "track");
        track.style.setProperty("--class", setup.looks[name]?.colour ?? "#7f7f7f");
        const bar = make("i");
        bar.style.width = `${(share * 100).toFixed(1)}%`;
        track.append(bar);
        element.append(make("span", "", name), track, make("span", "num", percent(share)));
    }
    return element;
}

function placeholder(file) {
    const ending = file.name.includes(".") ? file.name.split(".").pop().toUpperCase().slice(0, 5) : "FILE";
    return make("span", "no-preview", ending);
}

function preview(file) {
    const element = make("span", "picture");
    if (!DRAWN.has(file.type)) {
        element.append(placeholder(file));
        return element;
    }
    const img = make("img");
    img.alt = "";
    img.src = URL.createObjectURL(file);
    img.addEventListener("error", () => img.replaceWith(placeholder(file)));
    element.append(img);
    return element;
}

function card(file) {
    const element = make("li", "classified waiting");
    const words = make("div", "words");
    const name = make("span", "name", file.name);
    name.title = file.name;
    const answer = make("div", "answer");
    answer.append(make("span", "faint small", "waits"));
    words.append(name, answer);
    element.append(preview(file), words);
    return element;
}

function refuse(element, sentence) {
    element.className = "classified refused";
    element.querySelector(".answer").replaceChildren(make("p", "small", sentence));
}

function answer(element, result, below) {
    if (result.error) {
        refuse(element, result.error.detail);
        return;
    }
    element.className = result.abstained ? "classified abstained" : "classified";
    const head = make("div", "row between");
    head.append(chip(result.label), make("b", "tabular", percent(result.confidence)));
    const parts = [head];
    if (result.abstained) parts.push(make("p", "small doubtful", `Abstains: below ${+(100 * below).toFixed(2)} %. Look at it yourself.`));
    const calibrated = result.calibrated_confidence;
    if (calibrated !== null) parts.push(make("p", "small soft", `Calibrated: ${percent(calibrated)}`));
    element.querySelector(".answer").replaceChildren(...parts, bars(result.probabilities));
}

function show() {
    const bar = place("classify-bar");
    bar.hidden = done === todo;
    bar.firstElementChild.style.width = `${todo ? (100 * done) / todo : 0}%`;
    place("classify-line").hidden = false;
    const refused = told.filter((each) => each.result.error).length;
    const abstained = told.filter((each) => each.result.abstained).length;
    place("classify-status").textContent =
        done < todo
            ? `${done} of ${plural(todo, "file")}`
            : `${plural(told.length, "file")} in all${abstained ? `, ${abstained} abstained` : ""}${refused ? `, ${refused} refused` : ""}`;
    place("classify-csv").disabled = !told.length;
}

function keep(batch, answered, model, title) {
    answered.results.forEach((result, number) => {
        answer(batch[number].element, result, answered.abstain_below);
        told.push({ file: batch[number].file.name, model, result });
    });
    title.textContent = model;
}

// An answer of 422 is one too: no file of the batch could be read, and each is told why.
async function send(form) {
    try {
        return await post(CLASSIFY, form);
    } catch (error) {
        if (error.body?.results) return error.body;
        throw error;
    }
}

async function classify(batch, model, title) {
    const form = new FormData();
    for (const { file } of batch) form.append("images", file, file.name);
    if (model) form.append("model", model);
    try {
        const answered = await send(form);
        keep(batch, answered, `${answered.model.name}@${answered.model.version}`, title);
    } catch (error) {
        for (const { element } of batch) refuse(element, error.message);
        say(error.message, { bad: true });
    }
    done += batch.length;
    show();
}

function drop(title, count) {
    const section = make("section", "panel");
    const header = make("header");
    const heading = make("h2", "", plural(count, "file"));
    const side = make("span", "small soft tabular");
    side.append(title, ` ${new Date().toLocaleTimeString("en-GB")}`);
    header.append(heading, side);
    const list = make("ul", "classified-list");
    section.append(header, list);
    results.prepend(section);
    return list;
}

function take(files) {
    const chosen = [...files];
    if (!chosen.length) return;
    if (done === todo) todo = done = 0;
    const model = place("model").value;
    const title = make("span");
    const list = drop(title, chosen.length);
    const cards = chosen.map((file) => ({ file, element: card(file) }));
    list.append(...cards.map((each) => each.element));
    todo += cards.length;
    show();
    for (let from = 0; from < cards.length; from += setup.mostFiles) {
        const batch = cards.slice(from, from + setup.mostFiles);
        waiting = waiting.then(() => classify(batch, model, title));
    }
}

// A folder comes as a file that cannot be read: it is told, not sent.
function withoutFolders(transfer) {
    const items = [...transfer.items].filter((item) => item.kind === "file");
    const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (folders.length) {
        say("A folder cannot be dropped here: drop its files, or import them and classify the dataset.", { bad: true });
    }
    return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile());
}

// A file name that begins like a formula would be run by a spreadsheet.
function field(value) {
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv() {
    const names = [...new Set(told.flatMap(({ result }) => Object.keys(result.probabilities ?? {})))];
    const rows = told.map(({ file, model, result }) => [
        file,
        model,
        result.label,
        result.confidence,
        result.calibrated_confidence,
        result.abstained,
        ...names.map((name) => result.probabilities?.[name]),
        result.error?.code,
        result.error?.detail,
    ]);
    const head = ["file", "model", "label", "confidence", "calibrated_confidence", "abstained", ...names, "error", "detail"];
    return [head, ...rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

function download() {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
    link.download = "classified.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function clear() {
    for (const img of results.querySelectorAll("img")) URL.revokeObjectURL(img.src);
    results.replaceChildren();
    told.length = 0;
    show();
    place("classify-line").hidden = done === todo;
    place("files").focus();
}

const target = place("drop");
const input = place("files");
input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
});
for (const name of ["dragenter", "dragover"]) {
    target.addEventListener(name, (event) => {
        event.preventDefault();
        target.classList.add("over");
    });
}
for (const name of ["dragleave", "drop"]) target.addEventListener(name, () => target.classList.remove("over"));
// A file that misses the place would be opened by the browser, and the results lost.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
    event.preventDefault();
    take(withoutFolders(event.dataTransfer));
});
document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) take(event.clipboardData.files);
});
place("classify-csv").addEventListener("click", download);
place("classify-clear").addEventListener("click", clear);
