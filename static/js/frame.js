// What every page does: forms that send themselves, or once; questions before what is hard to take back.

// The theme wants to write a chosen file's name into a field of its own, which ours do not have.
for (const field of document.querySelectorAll("input[type=file]")) field.hasChangeListener = true;

document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form) form.requestSubmit();
});

// Empty fields of a filter are left out of the address.
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "get") {
        for (const field of form.querySelectorAll("input[name], select[name]")) {
            if (field.value === "") field.disabled = true;
        }
        setTimeout(() => form.querySelectorAll(":disabled").forEach((field) => (field.disabled = false)));
    }
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
    // A second click must not queue or make the same twice.
    if (!form.matches("[data-once]") || event.defaultPrevented) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
});

// Who comes back to a page as they left it may send its forms again.
window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
