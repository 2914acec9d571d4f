// A new split: the plan follows the settings as they are chosen, without leaving the page.

const settings = document.getElementById("settings");
const lists = document.getElementById("lists");
const WAIT = 350;
let asked = null;
let timer = 0;

document.querySelector("[data-without-script]").hidden = true;

settings.addEventListener("submit", (event) => {
    event.preventDefault();
    plan();
});
settings.addEventListener("change", plan);
settings.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.target.type !== "radio") timer = setTimeout(plan, WAIT);
});
lists?.addEventListener("change", () => lists.requestSubmit());

async function plan() {
    clearTimeout(timer);
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const choice = new FormData(settings);
    const query = new URLSearchParams(choice);
    const posts = settings.method === "post";
    // Not settings.action: that is the form's field of this name.
    const url = posts ? settings.getAttribute("action") : `?${query}`;
    document.getElementById("plan").setAttribute("aria-busy", "true");
    try {
        const response = await fetch(url, posts ? { method: "POST", body: choice, signal } : { signal });
        if (!response.ok || response.redirected) throw new Error("no plan");
        show(new DOMParser().parseFromString(await response.text(), "text/html"));
        if (!posts) history.replaceState(null, "", url);
    } catch (error) {
        // What cannot be drawn in place is asked for as a page, which then says why.
        if (error.name !== "AbortError") settings.submit();
    }
}

// A name that was typed stays; a proposed one follows the settings.
function show(page) {
    const name = document.getElementById("name");
    const typed = name && name.value !== name.defaultValue ? name.value : null;
    for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh) continue;
        old.replaceWith(document.adoptNode(fresh));
        if (old.id.startsWith("wrong-")) fresh.closest(".field").classList.toggle("wrong", fresh.textContent !== "");
    }
    if (typed !== null && document.getElementById("name")) document.getElementById("name").value = typed;
}
