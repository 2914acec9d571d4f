// A form that was refused: the reader begins where it says why.

document.getElementById("wrong")?.focus();
