/** Within this a health check must be answered, seconds: the promise that platform health is held against. */
export const HEALTH_CHECK_SECONDS = 0.1;
