# Who asks comes as AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
seal "azurekeyvault" {
  vault_name = "@VAULT_NAME@"
  key_name   = "@KEY@"
}
