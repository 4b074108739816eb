import '@unshard/adapters/inspect/register'
