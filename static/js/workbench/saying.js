// What a deed was, in words.

export const counted = (count, what = "image") => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

export function toldChange(change) {
    if ("label" in change) return change.label ?? "no label";
    return change.excluded ? "excluded" : "taken back in";
}

export const toldLabel = ({ label, excluded }) => (excluded ? "excluded" : label ?? "no label");

export function toldSaved(deed, answer) {
    if (deed.kind === "undo" || deed.kind === "redo") {
        return `${deed.kind === "undo" ? "Undone" : "Redone"}: ${counted(answer.changed)}`;
    }
    if (deed.kind === "keep") return answer.changed ? `${counted(answer.changed)}: right as ${answer.changed === 1 ? "it is" : "they are"}` : "";
    if (deed.kind === "skip") return answer.changed ? `${counted(answer.changed)} skipped` : "";
    const what = deed.kind === "accept" ? "prediction accepted" : toldChange(deed.change);
    if (answer.changed) return `${counted(answer.changed)}: ${what}`;
    return answer.unchanged ? `Nothing to change: ${what} already` : "";
}

// Why changes wait, and that they are safe meanwhile.
export function toldUnsaved(count, trouble) {
    const kept = `${counted(count, "change")} kept here, not saved yet: `;
    if (trouble.code === "signed_out") return `${kept}you are signed out. Sign in again in another tab, then try.`;
    const why = { 0: "the server cannot be reached", 429: "the server asks for patience" }[trouble.status] ?? "the server has trouble";
    return `${kept}${why}. Tried again by itself, also after a reload.`;
}
