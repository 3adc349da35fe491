# What the program that configures Vault may do: everything that a file in Git says. It reads no secret as it is, but who may
# write policies and roles may give itself any right: whoever can run as it is to be treated as an administrator of Vault.
path "sys/auth*"         { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }
path "sys/mounts*"       { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }
path "sys/policies/acl*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "sys/audit*"        { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }
path "auth/*"            { capabilities = ["create", "read", "update", "delete", "list"] }
path "secret/config"     { capabilities = ["create", "read", "update"] }
path "pki/*"             { capabilities = ["create", "read", "update", "delete", "list"] }
path "database/*"        { capabilities = ["create", "read", "update", "delete", "list"] }
path "transit/*"         { capabilities = ["create", "read", "update", "delete", "list"] }
path "identity/*"        { capabilities = ["create", "read", "update", "delete", "list"] }

# Database passwords and decryption are for those who need them.
path "database/creds/*"        { capabilities = ["deny"] }
path "database/static-creds/*" { capabilities = ["deny"] }
path "transit/decrypt/*"       { capabilities = ["deny"] }
path "transit/export/*"        { capabilities = ["deny"] }
