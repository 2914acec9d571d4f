// A row of the table: what the model says of a file, and what became of it.

import { chip, look, make, picture, score, threshold } from "./words.js";

export function row(item, deeds) {
    const element = make("tr", `classified ${item.result?.abstained ? "abstained" : item.state}`);
    element.append(tick(item, deeds), fileCell(item), ...said(item), became(item, deeds));
    return element;
}

function tick(item, deeds) {
    const cell = make("td", "tick");
    const label = make("label");
    const box = Object.assign(make("input"), { type: "checkbox", checked: item.chosen, disabled: !item.result });
    box.setAttribute("aria-label", `Choose ${item.path}`);
    box.addEventListener("change", () => {
        item.chosen = box.checked;
        deeds.choose();
    });
    label.append(box);
    cell.append(label);
    return cell;
}

function fileCell(item) {
    const cell = make("th", "file");
    cell.scope = "row";
    const shown = make("span", "picture");
    item.shown ??= picture(item);
    shown.append(item.shown);
    const words = make("span", "words");
    const folder = item.path.includes("/") ? item.path.slice(0, item.path.lastIndexOf("/")) : "";
    const name = make("span", "name", item.file.name);
    name.title = item.path;
    words.append(name);
    if (folder) words.append(make("span", "sub", folder));
    const both = make("span", "named");
    both.append(shown, words);
    cell.append(both);
    return cell;
}

function said(item) {
    const { result, error, state } = item;
    if (!result) {
        const text = state === "waiting" ? "waits" : state === "failed" ? `Not classified: ${error.message}` : error.detail;
        const cell = make("td", state === "waiting" ? "faint" : "sentence refusal", text);
        cell.colSpan = 3;
        return [cell];
    }
    const label = make("td", "class");
    label.dataset.label = "Class";
    label.append(chip(result.label));
    if (result.abstained) label.append(make("span", "doubtful small", `abstains below ${threshold(item.below)}`));
    const confidence = make("td", "num", score(result.confidence));
    confidence.dataset.label = "Confidence";
    if (result.calibrated_confidence !== null) confidence.append(make("span", "sub", `calibrated ${score(result.calibrated_confidence)}`));
    return [label, confidence, bars(result.probabilities)];
}

function bars(probabilities) {
    const cell = make("td", "all");
    cell.dataset.label = "All classes";
    const list = make("div", "probabilities");
    for (const [name, share] of Object.entries(probabilities)) {
        const letter = make("b", "letter", look(name).short);
        letter.title = name;
        letter.setAttribute("aria-hidden", "true");
        const track = make("span", "track");
        const bar = make("i");
        bar.style.width = `${(share * 100).toFixed(1)}%`;
        track.append(bar);
        const number = make("span", "num", score(share, 2));
        number.prepend(make("span", "visually-hidden", `${name} `));
        for (const part of [letter, track]) part.style.setProperty("--class", look(name).colour);
        list.append(letter, track, number);
    }
    cell.append(list);
    return cell;
}

function became(item, deeds) {
    const cell = make("td", "became");
    const { kept, told, notKept } = item;
    const button = (text, run, what) => {
        const element = Object.assign(make("button", "button quiet", text), { type: "button" });
        element.setAttribute("aria-label", `${text}: ${what}`);
        element.addEventListener("click", () => run(item));
        return element;
    };
    if (told) cell.append(make("span", "small", told.batch === null ? (told.label ? `labelled ${told.label} already` : "excluded already") : `you said ${told.label}; a second person is asked`));
    if (kept) {
        const link = Object.assign(make("a", "small", `in ${kept.dataset}`), { href: `/images/${kept.id}/` });
        link.setAttribute("aria-label", `${item.path} in ${kept.dataset}`);
        cell.append(link);
    }
    if (notKept) cell.append(make("span", "small refusal", `Not added: ${notKept.detail}`));
    if (item.result && !told) cell.append(button("Wrong? Tell us", deeds.wrong, item.path));
    if (told ? told.batch !== null : kept?.created) cell.append(button("Undo", deeds.undo, item.path));
    if (item.state === "failed") cell.append(button("Try again", deeds.again, item.path));
    return cell;
}
