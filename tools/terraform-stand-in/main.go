// A provider that has the attributes which terraform/ uses, and makes nothing: enough for `terraform validate`, and for
// `terraform test` with mocks, where no registry can be reached. Its own name says which one it stands in for. What it
// takes, the real one may still refuse.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	proto "github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	text   = tftypes.String
	number = tftypes.Number
	truth  = tftypes.Bool
	texts  = tftypes.List{ElementType: text}
	words  = tftypes.Map{ElementType: text}
)

type attributes = []*proto.SchemaAttribute

type kinds = map[string]*proto.Schema

func required(name string, of tftypes.Type) *proto.SchemaAttribute {
	return &proto.SchemaAttribute{Name: name, Type: of, Required: true}
}

func optional(name string, of tftypes.Type) *proto.SchemaAttribute {
	return &proto.SchemaAttribute{Name: name, Type: of, Optional: true}
}

func computed(name string, of tftypes.Type) *proto.SchemaAttribute {
	return &proto.SchemaAttribute{Name: name, Type: of, Computed: true}
}

// What the provider fills in where nobody says it.
func either(name string, of tftypes.Type) *proto.SchemaAttribute {
	return &proto.SchemaAttribute{Name: name, Type: of, Optional: true, Computed: true}
}

func writeOnly(name string, of tftypes.Type) *proto.SchemaAttribute {
	return &proto.SchemaAttribute{Name: name, Type: of, Optional: true, WriteOnly: true}
}

func schema(own attributes, blocks ...*proto.SchemaNestedBlock) *proto.Schema {
	return &proto.Schema{Block: &proto.SchemaBlock{Attributes: own, BlockTypes: blocks}}
}

func block(name string, least, most int64, own ...*proto.SchemaAttribute) *proto.SchemaNestedBlock {
	return &proto.SchemaNestedBlock{
		TypeName: name,
		Nesting:  proto.SchemaNestedBlockNestingModeList,
		MinItems: least,
		MaxItems: most,
		Block:    &proto.SchemaBlock{Attributes: own},
	}
}

func metadata() *proto.SchemaNestedBlock {
	return block("metadata", 1, 1, optional("name", text), optional("namespace", text), optional("labels", words), computed("uid", text))
}

func object(fields map[string]tftypes.Type) tftypes.Type {
	return tftypes.Object{AttributeTypes: fields}
}

func list(of tftypes.Type) tftypes.Type {
	return tftypes.List{ElementType: of}
}

type provider struct {
	proto.ProviderServer // the rest is never asked for
	config               *proto.Schema
	resources, data      kinds
}

var nodes = list(object(map[string]tftypes.Type{
	"metadata": list(object(map[string]tftypes.Type{"name": text, "labels": words})),
}))

var providers = map[string]provider{
	"kubernetes": {
		config: schema(attributes{optional("config_path", text), optional("config_context", text)}),
		resources: kinds{
			"kubernetes_namespace_v1": schema(attributes{computed("id", text)}, metadata()),
			"kubernetes_secret_v1":    schema(attributes{computed("id", text), writeOnly("data_wo", words), optional("data_wo_revision", number)}, metadata()),
		},
		data: kinds{
			"kubernetes_nodes":            schema(attributes{computed("id", text), computed("nodes", nodes)}),
			"kubernetes_storage_class_v1": schema(attributes{computed("id", text)}, metadata()),
		},
	},
	"helm": {
		config: schema(attributes{optional("kubernetes", object(map[string]tftypes.Type{"config_path": text, "config_context": text}))}),
		resources: kinds{
			"helm_release": schema(attributes{
				computed("id", text), required("name", text), required("chart", text), optional("namespace", text),
				optional("repository", text), optional("version", text), optional("timeout", number), optional("values", texts),
			}),
		},
	},
	"aws": {
		config: schema(attributes{
			optional("region", text), optional("s3_use_path_style", truth), optional("skip_credentials_validation", truth),
			optional("skip_metadata_api_check", text), optional("skip_region_validation", truth), optional("skip_requesting_account_id", truth),
		}, block("endpoints", 0, 0, optional("s3", text), optional("iam", text))),
		resources: kinds{
			"aws_s3_bucket":                  schema(attributes{computed("id", text), optional("bucket", text), optional("tags", words), either("tags_all", words)}),
			"aws_iam_user":                   schema(attributes{computed("id", text), required("name", text)}),
			"aws_iam_policy":                 schema(attributes{computed("id", text), computed("arn", text), optional("name", text), required("policy", text)}),
			"aws_iam_user_policy_attachment": schema(attributes{computed("id", text), required("user", text), required("policy_arn", text)}),
			"aws_iam_access_key": schema(attributes{
				computed("id", text), required("user", text), optional("pgp_key", text), computed("secret", text), computed("encrypted_secret", text),
			}),
		},
	},
	"dns": {
		config: schema(nil, block("update", 0, 1, optional("server", text), optional("key_name", text), optional("key_algorithm", text), optional("key_secret", text))),
		resources: kinds{
			"dns_a_record_set": schema(attributes{
				computed("id", text), required("zone", text), optional("name", text), required("addresses", tftypes.Set{ElementType: text}), optional("ttl", number),
			}),
		},
	},
}

func (own provider) GetMetadata(context.Context, *proto.GetMetadataRequest) (*proto.GetMetadataResponse, error) {
	return &proto.GetMetadataResponse{}, nil
}

func (own provider) GetProviderSchema(context.Context, *proto.GetProviderSchemaRequest) (*proto.GetProviderSchemaResponse, error) {
	return &proto.GetProviderSchemaResponse{Provider: own.config, ResourceSchemas: own.resources, DataSourceSchemas: own.data}, nil
}

func (own provider) GetResourceIdentitySchemas(context.Context, *proto.GetResourceIdentitySchemasRequest) (*proto.GetResourceIdentitySchemasResponse, error) {
	return &proto.GetResourceIdentitySchemasResponse{}, nil
}

func (own provider) ValidateProviderConfig(_ context.Context, request *proto.ValidateProviderConfigRequest) (*proto.ValidateProviderConfigResponse, error) {
	return &proto.ValidateProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (own provider) ValidateResourceConfig(context.Context, *proto.ValidateResourceConfigRequest) (*proto.ValidateResourceConfigResponse, error) {
	return &proto.ValidateResourceConfigResponse{}, nil
}

func (own provider) ValidateDataResourceConfig(context.Context, *proto.ValidateDataResourceConfigRequest) (*proto.ValidateDataResourceConfigResponse, error) {
	return &proto.ValidateDataResourceConfigResponse{}, nil
}

func (own provider) StopProvider(context.Context, *proto.StopProviderRequest) (*proto.StopProviderResponse, error) {
	return &proto.StopProviderResponse{}, nil
}

func main() {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-"), "_")
	err := tf6server.Serve(name, func() proto.ProviderServer { return providers[name] })
	if err != nil {
		panic(err)
	}
}
