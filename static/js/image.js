// The image page: a digit labels and goes on to the next image, keys go back and forth.

import { put } from "./api.js";
import { say } from "./toast.js";
import { Why } from "./why.js";

const setup = JSON.parse(document.getElementById("image-setup").textContent);
const why = new Why({ section: document.querySelector("[data-why]"), heat: document.querySelector("[data-why-heat]") });
const reason = document.getElementById("reason");
const link = (id) => {
    const found = document.getElementById(id);
    return found && found.getAttribute("aria-disabled") !== "true" ? found : null;
};

async function label(change, goOn) {
    try {
        await put(
            `/api/v1/images/${setup.id}/label/`,
            { ...change, reason: reason.value.trim() },
            { "If-Match": `"${setup.version}"` },
        );
    } catch (error) {
        const reload = { label: "Show it as it is now", run: () => window.location.reload() };
        say(error.message, { bad: true, action: error.status === 412 ? reload : null, seconds: 20 });
        return;
    }
    const after = goOn && link("to-after");
    if (after) window.location.href = after.href;
    else window.location.reload();
}

for (const button of document.querySelectorAll("[data-label]")) {
    button.addEventListener("click", () => label({ label: button.dataset.label || null }, false));
}
document.querySelector("[data-exclude]")?.addEventListener("click", () => label({ excluded: !setup.excluded }, false));
for (const id of ["to-before", "to-after"]) {
    document.getElementById(id).addEventListener("click", (event) => link(id) || event.preventDefault());
}

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
        if (event.key === "Escape") event.target.blur();
        return;
    }
    const button = document.querySelector(`[data-key~="${CSS.escape(event.key)}"]`);
    const to = { ArrowLeft: "to-before", k: "to-before", ArrowRight: "to-after", j: "to-after", Escape: "to-back" }[event.key];
    if (button) label({ label: button.dataset.label }, true);
    else if (event.key === "x") document.querySelector("[data-exclude]")?.click();
    else if (event.key === "w") why.toggle();
    else if (to) link(to)?.click();
    else return;
    event.preventDefault();
});
why.show(setup);
