// The table as CSV.

// A file name that begins like a formula would be run by a spreadsheet.
function field(value) {
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(items) {
    const names = [...new Set(items.flatMap(({ result }) => Object.keys(result?.probabilities ?? {})))];
    const head = ["file", "model", "label", "confidence", "calibrated_confidence", "abstained", ...names];
    const rows = items.map(({ path, model, result, error, kept, told }) => [
        path,
        result ? model : "",
        result?.label,
        result?.confidence,
        result?.calibrated_confidence,
        result?.abstained,
        ...names.map((name) => result?.probabilities[name]),
        error?.code,
        error?.detail ?? error?.message,
        kept?.id,
        told?.label,
    ]);
    const lines = [[...head, "error", "detail", "image", "told"], ...rows];
    return `${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`;
}

export function save(text, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
