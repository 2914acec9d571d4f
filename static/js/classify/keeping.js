// Images that are kept: added to a dataset, or with the label of somebody who says that the model is wrong.

import { post, remove } from "../api.js";
import { sendFiles } from "./sending.js";

// Adds a batch, of one paper; returns its items, each with `kept` or `notKept`.
export async function keep(items, { dataset, paperOf }, signal) {
    const paper = paperOf(items[0]);
    const fields = { store: "true", dataset, model: items[0].model, ...(paper && { paper }) };
    const answered = await sendFiles(items, fields, signal);
    answered.results.forEach((result, number) => {
        const item = items[number];
        item.notKept = result.not_stored ?? result.error ?? null;
        item.kept = result.image ? { ...result.image, dataset } : null;
        if (item.kept) item.chosen = false;
    });
    return items;
}

export async function takeBack(item) {
    await remove(`/api/v1/images/${item.kept.id}/`);
    item.kept = null;
}

export async function tellWrong(item, { dataset, label, paper, note }) {
    const form = new FormData();
    const fields = { dataset, label, note, model: item.model, ...(paper && { paper }) };
    form.append("file", item.file, item.file.name);
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const answered = await post("/api/v1/feedback/", form);
    Object.assign(item, { told: answered, kept: { ...answered.image, dataset }, notKept: null });
}

// The label goes; the image stays, as it was before anybody labelled it.
export async function undoTold(item) {
    if (item.told.batch !== null) await post(`/api/v1/relabel/${item.told.batch}/undo/`);
    item.told = null;
    item.kept.created = false;
}
