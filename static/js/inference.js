// The choice of a dataset and a model: says at once how many images the model has said nothing of yet.

import { redraw } from "./job.js";

const form = document.getElementById("choice");

form?.addEventListener("change", () => {
    const chosen = new FormData(form);
    const address = new URL(window.location.href);
    const asked = { dataset: chosen.get("dataset"), model: chosen.get("model") };
    const filter = address.searchParams.get("filter") ?? chosen.get("filter");
    address.search = new URLSearchParams(filter ? { ...asked, filter } : asked);
    window.history.replaceState(null, "", address);
    redraw().catch(() => window.location.reload());
});
