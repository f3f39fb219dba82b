export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = 'runnel.v1';
