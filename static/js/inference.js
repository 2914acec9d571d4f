// The choice of a dataset and a model: says at once how many images the model has said nothing of yet.

import { redraw } from "./job.js";

const form = document.getElementById("choice");

form?.addEventListener("change", () => {
    const chosen = new FormData(form);
    const address = new URL(window.location.href);
    address.search = new URLSearchParams({ dataset: chosen.get("dataset"), model: chosen.get("model") });
    window.history.replaceState(null, "", address);
    redraw().catch(() => window.location.reload());
});
