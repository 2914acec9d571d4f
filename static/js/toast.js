// Says what was just done; with `action` a button, such as the one that takes it back.

let place;

export function say(text, { bad = false, action = null, seconds = bad ? 10 : 7 } = {}) {
    if (!place) {
        place = document.createElement("div");
        place.className = "toasts";
        place.setAttribute("role", "status");
        place.setAttribute("aria-live", "polite");
        document.body.append(place);
    }
    const toast = document.createElement("div");
    toast.className = bad ? "toast bad" : "toast";
    toast.append(Object.assign(document.createElement("span"), { textContent: text }));
    if (action) {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: action.label });
        button.addEventListener("click", () => {
            toast.remove();
            action.run();
        });
        toast.append(button);
    }
    place.replaceChildren(toast);
    setTimeout(() => toast.remove(), seconds * 1000);
}
