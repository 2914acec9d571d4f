// The form of a new run: the architecture brings its defaults along, without losing what was typed.

const setup = JSON.parse(document.getElementById("new-run-setup").textContent);
const form = document.getElementById("new-run");

const field = (name) => form.elements.namedItem(name);
const told = (value) => (typeof value === "boolean" ? (value ? "yes" : "no") : value.toLocaleString("en", { maximumFractionDigits: 12 }));

// Whether a field still holds a default: numbers by value, as 0.0010 is 0.001.
function holds(element, value) {
    if (element.type === "checkbox") return element.checked === value;
    if (typeof value === "number") return element.value !== "" && Number(element.value) === value;
    return element.value === value;
}

function showArchitecture(chosen) {
    const before = setup.defaults[form.elements.shown.value];
    const after = setup.defaults[chosen];
    for (const [name, value] of Object.entries(after)) {
        const element = field(name);
        if (holds(element, before[name])) {
            if (element.type === "checkbox") element.checked = value;
            else element.value = value;
        }
        const shown = form.querySelector(`[data-default="${name}"]`);
        if (shown) shown.textContent = element.tagName === "SELECT" ? nameOf(element, value) : told(value);
    }
    for (const part of form.querySelectorAll("[data-only-for]")) part.hidden = part.dataset.onlyFor !== chosen;
    form.querySelector("[data-shown]").textContent = setup.names[chosen];
    field("name").placeholder = `${setup.dataset}-${chosen}`;
    form.elements.shown.value = chosen;
}

function nameOf(select, value) {
    return [...select.options].find((option) => option.value === value)?.textContent ?? value;
}

form.addEventListener("change", (event) => {
    if (event.target.name === "architecture") showArchitecture(event.target.value);
    if (event.target.name === "split") {
        for (const notice of form.querySelectorAll("[data-split]")) notice.hidden = notice.dataset.split !== event.target.value;
    }
});

// A browser that comes back to the page fills in what was chosen before.
window.addEventListener("pageshow", () => {
    const chosen = form.elements.architecture.value;
    if (chosen && chosen !== form.elements.shown.value) showArchitecture(chosen);
});
