// The real Vault, with the plugins this platform uses. The release's own main package links every cloud's plugins and
// does not build from published modules; with the build tag `minimal` it builds, but lacks the three below.
package main

import (
	"os"
	"reflect"
	"unsafe"

	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	redis "github.com/hashicorp/vault-plugin-database-redis"
	"github.com/hashicorp/vault/command"
	"github.com/hashicorp/vault/helper/builtinplugins"
	"github.com/hashicorp/vault/plugins/database/postgresql"
)

func main() {
	builtin("credentialBackends", "kubernetes", kubernetes.Factory)
	builtin("databasePlugins", "postgresql-database-plugin", postgresql.New)
	builtin("databasePlugins", "redis-database-plugin", redis.New)
	os.Exit(command.Run(os.Args[1:]))
}

// builtin adds a plugin to Vault's registry, whose maps are not exported.
func builtin(kind, name string, factory any) {
	field := reflect.ValueOf(builtinplugins.Registry).Elem().FieldByName(kind)
	plugins := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	plugin := reflect.New(plugins.Type().Elem()).Elem()
	target := plugin.FieldByName("Factory")
	target.Set(reflect.ValueOf(factory).Convert(target.Type()))
	plugins.SetMapIndex(reflect.ValueOf(name), plugin)
}
