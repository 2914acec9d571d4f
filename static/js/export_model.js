// An export on its way: what it does, and the page anew once it has ended.

import { follow, isActive } from "./job.js";

const now = document.getElementById("now");
let state = null;
follow(now.dataset.source, (job) => {
    now.querySelector("[data-message]").textContent = job.progress.message;
    if (!isActive(job) || (state && state !== job.state)) window.location.reload();
    state = job.state;
});
