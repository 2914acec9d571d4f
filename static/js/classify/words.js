// What the modules of the Classify page share: what the server told, and small elements.

export const setup = JSON.parse(document.getElementById("classify-setup").textContent);

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
export const score = (share, digits = 3) => share.toFixed(digits);
export const threshold = (below) => String(Number(below.toFixed(4)));

export function make(tag, className = "", text = "") {
    return Object.assign(document.createElement(tag), { className, textContent: text });
}

export function look(name) {
    return setup.looks[name] ?? { short: name.slice(0, 1).toUpperCase(), colour: "#7f7f7f" };
}

export function chip(name) {
    const element = make("span", "chip");
    element.style.setProperty("--class", look(name).colour);
    element.append(make("b", "", look(name).short), name);
    return element;
}

// What browsers can draw; a TIFF is shown by its ending.
const DRAWN = new Set(["image/png", "image/jpeg"]);

function symbol(file) {
    const ending = file.name.includes(".") ? file.name.split(".").pop().toUpperCase().slice(0, 5) : "FILE";
    return make("span", "no-preview", ending);
}

export function picture(item) {
    if (!DRAWN.has(item.file.type)) return symbol(item.file);
    item.preview ??= URL.createObjectURL(item.file);
    const img = Object.assign(make("img"), { alt: "", decoding: "async", src: item.preview });
    img.addEventListener("error", () => img.replaceWith(symbol(item.file)));
    return img;
}
