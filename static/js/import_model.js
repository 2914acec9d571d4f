// Sends a file of weights with its progress shown. Without this script the form sends itself.

import { sendWithProgress, size, startOf } from "./upload.js";

const KNOWN = [
    [0x89, 0x48, 0x44, 0x46],
    [0x50, 0x4b, 0x03, 0x04],
];
const form = document.getElementById("model-form");

if (form) {
    const field = document.getElementById("file");
    sendWithProgress(form, field, async (file) => {
        const start = await startOf(file, 4);
        if (!KNOWN.some((known) => known.every((byte, place) => start[place] === byte))) {
            return "The file is neither HDF5 (.h5) nor a Keras archive (.keras). Save the network by Keras: model.save('name.h5') or model.save('name.keras').";
        }
        const room = Number(field.dataset.room);
        return file.size > room ? `The file has ${size(file.size)}; ${size(room)} can be taken. Save the weights without the optimizer's: model.save_weights.` : "";
    });
}
