// Numbers as the server's templates write them.

export const count = (number) => number.toLocaleString("en");

// Two digits: 1.2e-03.
export function exponential(number) {
    const [digits, exponent] = number.toExponential(1).split("e");
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

// Bytes: 812 MB, 1.24 GB; a dash where there are none.
export function size(bytes) {
    if (bytes === null) return "\u2013";
    return bytes >= 999.5e6 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
