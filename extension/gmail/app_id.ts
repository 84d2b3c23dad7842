// The name under which InboxSDK's makers know who publishes an extension, so that they can write to them when Gmail changes.
//
// Registering is free (https://register.inboxsdk.com/) and binds one id to one publisher, so this is not a registered one:
// until whoever publishes the extension puts theirs here, InboxSDK shows a bar above Gmail that says so.

export const APP_ID = "warmline";
