// What is checked before the champion moves, asked for once its form is open, and again as alias or evaluation change.

for (const place of document.querySelectorAll("[data-gates]")) {
    const form = place.closest("form");
    const fold = place.closest("details");
    let asked = place.dataset.asked ?? "";

    const wanted = () => {
        const parameters = new URLSearchParams({ part: "1" });
        for (const name of ["alias", "evaluation"]) {
            const value = form.elements[name]?.value.trim();
            if (value) parameters.set(name, value);
        }
        return `${place.dataset.gates}?${parameters}`;
    };

    const show = async () => {
        const url = wanted();
        if (url === asked || (fold && !fold.open)) return;
        asked = url;
        place.setAttribute("aria-busy", "true");
        try {
            const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
            const text = await answer.text();
            if (url !== asked) return;
            if (answer.ok) place.innerHTML = text;
            else place.textContent = "What is checked could not be shown. Promoting checks it in any case.";
        } catch {
            asked = "";
            place.textContent = "The server cannot be reached. Promoting checks it in any case.";
        } finally {
            place.removeAttribute("aria-busy");
        }
    };

    form.addEventListener("change", (event) => {
        if (["alias", "evaluation"].includes(event.target.name)) show();
    });
    fold?.addEventListener("toggle", show);
    // What a refusal brought along stays until something is changed.
    if (place.dataset.shown) asked = wanted();
    else show();
}
