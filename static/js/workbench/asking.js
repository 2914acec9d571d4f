// A question over the page: resolves to true where the person agrees.

export function ask({ title, text, yes, content = null }) {
    const dialog = document.createElement("dialog");
    dialog.className = "ask";
    const heading = Object.assign(document.createElement("h2"), { textContent: title, id: "ask-title" });
    dialog.setAttribute("aria-labelledby", heading.id);
    const form = Object.assign(document.createElement("form"), { method: "dialog" });
    const buttons = Object.assign(document.createElement("div"), { className: "row" });
    const agree = Object.assign(document.createElement("button"), { className: "button primary", value: "yes", textContent: yes });
    const cancel = Object.assign(document.createElement("button"), { className: "button", value: "", textContent: "Cancel" });
    buttons.append(agree, cancel);
    form.append(heading);
    if (text) form.append(Object.assign(document.createElement("p"), { textContent: text }));
    if (content) form.append(content);
    form.append(buttons);
    dialog.append(form);
    document.body.append(dialog);
    dialog.showModal();
    agree.focus();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
    });
}
