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

// A question for a name: resolves to it, or to null where the person gives none. `content` stands below the field.
export async function askName({ value = "", most, content = null, ...question }) {
    const place = document.createElement("div");
    place.className = "stack";
    const name = Object.assign(document.createElement("input"), { value, maxLength: most, required: true });
    const field = Object.assign(document.createElement("label"), { className: "field", textContent: "Name" });
    field.append(name);
    place.append(field);
    if (content) place.append(content);
    setTimeout(() => name.select());
    const agreed = await ask({ ...question, content: place });
    return (agreed && name.value.trim()) || null;
}
