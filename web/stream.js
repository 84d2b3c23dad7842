export function openStream() {}
