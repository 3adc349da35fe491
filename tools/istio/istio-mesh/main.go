// Command istio-mesh says what Istio makes of a platform's manifests. It reads one JSON document from standard input: namespaces,
// pods, policies, and questions who may connect to which pod at which port. Istio's own validation judges each policy; then its
// own control plane (the index that feeds the agents on the nodes) is given everything, and each question is answered by what it
// would tell the agents. How agents read that is in pkg/workloadapi/security/authorization.proto and repeated here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	securityclient "istio.io/client-go/pkg/apis/security/v1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/serviceregistry/ambient"
	"istio.io/istio/pkg/activenotifier"
	"istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/kube/multicluster"
	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/workloadapi"
	"istio.io/istio/pkg/workloadapi/security"
)

type named struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

type pod struct {
	named
	Namespace string `json:"namespace"`
	Account   string `json:"account"`
	Address   string `json:"address"`
}

// question: whether somebody may connect; Principal is empty where no identity is shown.
type question struct {
	Principal string `json:"principal"`
	Source    string `json:"source"`
	To        string `json:"to"`
	Port      uint32 `json:"port"`
}

type input struct {
	Namespaces []named           `json:"namespaces"`
	Pods       []pod             `json:"pods"`
	Policies   []json.RawMessage `json:"policies"`
	Questions  []question        `json:"questions"`
}

type output struct {
	// Refused is what validation says against policies.
	Refused []string `json:"refused"`
	// Tunnelled is the number of pods that are reached through the mesh.
	Tunnelled int `json:"tunnelled"`
	// Policies is the number of policies that the agents are told.
	Policies int    `json:"policies"`
	Answers  []bool `json:"answers"`
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail("standard input: %v", err)
	}
	objects, refused := validated(in.Policies)
	answers := ask(in, objects)
	answers.Refused = refused
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail("standard output: %v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// validated reads policies as Istio does and has it judge them.
func validated(texts []json.RawMessage) ([]crd.IstioKind, []string) {
	objects, refused := []crd.IstioKind{}, []string{}
	for _, text := range texts {
		configs, unknown, err := crd.ParseInputs(string(text))
		if err != nil || len(unknown) > 0 || len(configs) != 1 {
			refused = append(refused, fmt.Sprintf("not read: %v %s", err, text))
			continue
		}
		cfg := configs[0]
		s, ok := collections.Pilot.FindByGroupVersionAliasesKind(cfg.GroupVersionKind)
		if !ok {
			refused = append(refused, "unknown kind "+cfg.GroupVersionKind.String())
			continue
		}
		warning, err := s.ValidateConfig(cfg)
		if warning != nil || err != nil {
			refused = append(refused, fmt.Sprintf("%s %s/%s: %v %v", s.Kind(), cfg.Namespace, cfg.Name, warning, err))
		}
		var object crd.IstioKind
		if err := json.Unmarshal(text, &object); err != nil {
			fail("policy: %v", err)
		}
		objects = append(objects, object)
	}
	return objects, refused
}

// failer ends the program where Istio's own helpers would end a test.
type failer struct{}

func (failer) Fail()                             { fail("failed") }
func (failer) FailNow()                          { fail("failed") }
func (failer) Fatal(args ...any)                 { fail("%v", args) }
func (failer) Fatalf(format string, args ...any) { fail(format, args...) }
func (failer) Log(args ...any)                   {}
func (failer) Logf(format string, args ...any)   {}
func (failer) TempDir() string                   { return os.TempDir() }
func (failer) Helper()                           {}
func (failer) Cleanup(func())                    {}
func (failer) Skip(args ...any)                  {}

type nobody struct{ model.XDSUpdater }

func (nobody) ConfigUpdate(*model.PushRequest)                                       {}
func (nobody) EDSUpdate(model.ShardKey, string, string, []*model.IstioEndpoint)      {}
func (nobody) EDSCacheUpdate(model.ShardKey, string, string, []*model.IstioEndpoint) {}
func (nobody) SvcUpdate(model.ShardKey, string, string, model.Event)                 {}
func (nobody) ProxyUpdate(cluster.ID, string)                                        {}
func (nobody) RemoveShard(model.ShardKey)                                            {}

var kinds = []schema.GroupVersionResource{
	gvr.AuthorizationPolicy, gvr.PeerAuthentication, gvr.KubernetesGateway, gvr.GatewayClass, gvr.WorkloadEntry, gvr.ServiceEntry,
}

func ask(in input, policies []crd.IstioKind) output {
	client := kube.NewFakeClient()
	for _, each := range kinds {
		clienttest.MakeCRD(failer{}, client, each)
	}
	stop := make(chan struct{})
	mesh := meshwatcher.NewTestWatcher(nil)
	clusters := multicluster.NewController(multicluster.ControllerOptions{
		Client: client, ClusterID: "Kubernetes", SystemNamespace: "istio-system", MeshConfig: mesh,
		ClientBuilder: func([]byte, cluster.ID, ...func(*rest.Config)) (kube.Client, error) { return kube.NewFakeClient(), nil },
		Debugger:      krt.GlobalDebugHandler,
	})
	must(clusters.Run(stop))
	index := ambient.New(ambient.Options{
		SystemNamespace: "istio-system", DomainSuffix: "cluster.local", ClusterID: "Kubernetes", XDSUpdater: nobody{},
		StatusNotifier: activenotifier.New(true), Debugger: krt.GlobalDebugHandler, MeshConfig: mesh, MultiClusterController: clusters,
	})
	create(client, in, policies)
	go index.Run(stop)
	client.RunAndWait(stop)

	names := sets.New[string]()
	for _, each := range in.Pods {
		names.Insert("Kubernetes//Pod/" + each.Namespace + "/" + each.Name)
	}
	// It settles by itself and does not say when: all pods are there, and so are all policies of theirs.
	var workloads map[string]*workloadapi.Workload
	var told []model.WorkloadAuthorization
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		workloads, told = workloadsOf(index, names), index.Policies(nil)
		if len(workloads) == len(in.Pods) && isSettled(workloads, told) && len(told) >= admissions(policies) {
			break
		}
		if time.Now().After(deadline) {
			fail("after 30 s Istio knows %d of %d pods and %d policies", len(workloads), len(in.Pods), len(told))
		}
	}
	return answered(in, workloads, told)
}

func admissions(policies []crd.IstioKind) int {
	count := 0
	for _, each := range policies {
		if each.Kind == "AuthorizationPolicy" {
			count++
		}
	}
	return count
}

func isSettled(workloads map[string]*workloadapi.Workload, told []model.WorkloadAuthorization) bool {
	known := policiesByName(told)
	for _, each := range workloads {
		for _, name := range each.AuthorizationPolicies {
			if known[name] == nil {
				return false
			}
		}
	}
	return true
}

func policiesByName(told []model.WorkloadAuthorization) map[string]*security.Authorization {
	known := map[string]*security.Authorization{}
	for _, each := range told {
		known[each.Authorization.Namespace+"/"+each.Authorization.Name] = each.Authorization
	}
	return known
}

func workloadsOf(index ambient.Index, names sets.String) map[string]*workloadapi.Workload {
	found := map[string]*workloadapi.Workload{}
	infos, _ := index.AddressInformation(names)
	for _, info := range infos {
		if workload := info.GetWorkload(); workload != nil {
			found[workload.Namespace+"/"+workload.Name] = workload
		}
	}
	return found
}

func create(client kube.Client, in input, policies []crd.IstioKind) {
	ctx, options := context.Background(), metav1.CreateOptions{}
	for _, each := range in.Namespaces {
		_, err := client.Kube().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: each.Name, Labels: each.Labels}}, options)
		must(err)
	}
	for _, each := range in.Pods {
		_, err := client.Kube().CoreV1().Pods(each.Namespace).Create(ctx, podOf(each), options)
		must(err)
	}
	security := client.Istio().SecurityV1()
	for _, each := range policies {
		text, err := json.Marshal(each)
		must(err)
		switch each.Kind {
		case "AuthorizationPolicy":
			var object securityclient.AuthorizationPolicy
			must(json.Unmarshal(text, &object))
			_, err = security.AuthorizationPolicies(object.Namespace).Create(ctx, &object, options)
		case "PeerAuthentication":
			var object securityclient.PeerAuthentication
			must(json.Unmarshal(text, &object))
			_, err = security.PeerAuthentications(object.Namespace).Create(ctx, &object, options)
		}
		must(err)
	}
}

// podOf is a pod that the agent on its node has taken in.
func podOf(each pod) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: each.Name, Namespace: each.Namespace, Labels: each.Labels,
			Annotations: map[string]string{"ambient.istio.io/redirection": "enabled"},
		},
		Spec: corev1.PodSpec{ServiceAccountName: each.Account, NodeName: "node"},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: each.Address, PodIPs: []corev1.PodIP{{IP: each.Address}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}},
		},
	}
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func answered(in input, workloads map[string]*workloadapi.Workload, told []model.WorkloadAuthorization) output {
	known := policiesByName(told)
	out := output{Policies: len(told), Answers: []bool{}}
	for _, each := range workloads {
		if each.TunnelProtocol == workloadapi.TunnelProtocol_HBONE {
			out.Tunnelled++
		}
	}
	for _, each := range in.Questions {
		workload := workloads[each.To]
		if workload == nil {
			fail("question about %s, which is no pod", each.To)
		}
		out.Answers = append(out.Answers, isLetIn(each, workload, known))
	}
	return out
}

// isLetIn: what is denied is not let in; else what is allowed is, and everything where nothing speaks of allowing.
func isLetIn(ask question, workload *workloadapi.Workload, known map[string]*security.Authorization) bool {
	bound := sets.New(workload.AuthorizationPolicies...)
	hasAllow, allowed := false, false
	for name, policy := range known {
		applies := policy.Scope == security.Scope_GLOBAL ||
			(policy.Scope == security.Scope_NAMESPACE && policy.Namespace == workload.Namespace) || bound.Contains(name)
		if !applies {
			continue
		}
		matched := anyGroup(policy.Groups, ask)
		if policy.Action == security.Action_DENY {
			if matched {
				return false
			}
			continue
		}
		hasAllow = true
		allowed = allowed || matched
	}
	return allowed || !hasAllow
}

func anyGroup(groups []*security.Group, ask question) bool {
	for _, group := range groups {
		all := true
		for _, rule := range group.Rules {
			all = all && anyMatch(rule.Matches, ask)
		}
		if all {
			return true
		}
	}
	return false
}

func anyMatch(matches []*security.Match, ask question) bool {
	for _, each := range matches {
		if isMatch(each, ask) {
			return true
		}
	}
	return len(matches) == 0
}

func isMatch(m *security.Match, ask question) bool {
	if len(m.Namespaces)+len(m.NotNamespaces)+len(m.ServiceAccounts)+len(m.NotServiceAccounts)+len(m.DestinationIps)+len(m.NotDestinationIps) > 0 {
		fail("a policy says something that this program does not read: %v", m)
	}
	has := func(values []*security.StringMatch) bool { return anyString(values, ask.Principal) }
	within := func(blocks []*security.Address) bool { return anyBlock(blocks, ask.Source) }
	return (len(m.Principals) == 0 || has(m.Principals)) && (len(m.NotPrincipals) == 0 || !has(m.NotPrincipals)) &&
		(len(m.SourceIps) == 0 || within(m.SourceIps)) && (len(m.NotSourceIps) == 0 || !within(m.NotSourceIps)) &&
		(len(m.DestinationPorts) == 0 || anyPort(m.DestinationPorts, ask.Port)) &&
		(len(m.NotDestinationPorts) == 0 || !anyPort(m.NotDestinationPorts, ask.Port))
}

// anyString: nothing matches where no identity is shown.
func anyString(values []*security.StringMatch, actual string) bool {
	for _, value := range values {
		if actual == "" {
			return false
		}
		switch match := value.MatchType.(type) {
		case *security.StringMatch_Exact:
			if match.Exact == actual {
				return true
			}
		case *security.StringMatch_Prefix:
			if strings.HasPrefix(actual, match.Prefix) {
				return true
			}
		case *security.StringMatch_Suffix:
			if strings.HasSuffix(actual, match.Suffix) {
				return true
			}
		case *security.StringMatch_Presence:
			return true
		}
	}
	return false
}

func anyBlock(blocks []*security.Address, source string) bool {
	address, err := netip.ParseAddr(source)
	for _, block := range blocks {
		first, ok := netip.AddrFromSlice(block.Address)
		if err == nil && ok && netip.PrefixFrom(first, int(block.Length)).Contains(address) {
			return true
		}
	}
	return false
}

func anyPort(ports []uint32, port uint32) bool {
	for _, each := range ports {
		if each == port {
			return true
		}
	}
	return false
}
