using Brokkr.Core.Log;

namespace Brokkr.Controller.Tests.Folders;

/// <summary>Topics, groups, destinations and statuses of a folder.</summary>
public sealed class FolderControlPlaneTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Quickstart_is_served()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            var sample = Path.Combine(Repository.Root, "samples", "quickstart");
            foreach (var file in Directory.EnumerateFiles(sample))
            {
                File.Copy(file, folder[Path.GetFileName(file)]);
            }
        });
        Assert.Empty(dev.Problems);
        var resource = Assert.Single(dev.Contract.Resources);
        Assert.Equal("/shop/orders", resource.Ingress.Path);
        Assert.Equal("embedded", resource.BootstrapServers);
        Assert.Equal(["customer", "warehouse"], resource.Egresses.Select(egress => egress.Reference.Name));
        Assert.All(dev.ControlPlane.Report.Statuses, status => Assert.True(status.Ready == ConditionState.True, status.ToString()));
        Assert.Equal("http://localhost:8080/shop/orders", dev.StatusOf("Broker", "shop/orders").Address);
        Assert.Equal("broker.yaml:2", dev.StatusOf("Broker", "shop/orders").Source);
        Assert.Equal(3, (await dev.Log.Topics.DescribeAsync("knative-broker-shop-orders", Stop))?.Partitions);
    }

    [Fact]
    public async Task Topic_is_made_as_the_config_map_says_before_the_broker_is_served()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write(
                "all.yaml",
                Manifests.Several(
                    """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: config, namespace: shop}
                    data:
                      bootstrap.servers: kafka:9092
                      default.topic.partitions: "5"
                      default.topic.replication.factor: "3"
                      default.topic.config.retention.ms: "3600000"
                    """,
                    Manifests.Broker("b", spec: "{config: {apiVersion: v1, kind: ConfigMap, name: config}}")
                )
            )
        );
        Assert.Empty(dev.Problems);
        Assert.Equal(5, (await dev.Log.Topics.DescribeAsync("knative-broker-shop-b", Stop))?.Partitions);
        // On the embedded log the servers of the manifest are not used.
        Assert.Equal("embedded", dev.Contract.Resources[0].BootstrapServers);
    }

    [Fact]
    public async Task Config_map_with_errors_is_told_key_by_key()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write(
                "all.yaml",
                Manifests.Several(
                    """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: config, namespace: shop}
                    data: {bootstrap.servers: " , ", default.topic.partitions: "0"}
                    """,
                    Manifests.Broker("b", spec: "{config: {apiVersion: v1, kind: ConfigMap, name: config}}"),
                    Manifests.Trigger("t", "b")
                )
            )
        );
        Assert.Empty(dev.Contract.Resources);
        var status = dev.StatusOf("Broker", "shop/b");
        Assert.Equal("ConfigInvalid", status.Reason);
        Assert.Equal(
            "ConfigMap shop/config: data[bootstrap.servers]: must name at least one server; "
                + "data[default.topic.partitions]: must be a number from 1 to 2147483647, is \"0\"; "
                + "data[default.topic.replication.factor]: is missing.",
            status.Message
        );
        Assert.StartsWith("Broker shop/b is not ready: ConfigMap shop/config", dev.StatusOf("Trigger", "shop/t").Message);
    }

    [Fact]
    public async Task Existing_topic_is_adopted_and_its_drift_told()
    {
        await using var dev = await DevFolder.PrepareAsync(folder => folder.Write("b.yaml", Manifests.Broker("b")));
        await dev.Log.Topics.CreateAsync(new TopicSpecification("knative-broker-shop-b", 7, 1, new Dictionary<string, string>()), Stop);
        await dev.ControlPlane.StartAsync(Stop);
        await dev.ServesAsync("/shop/b");
        var status = dev.StatusOf("Broker", "shop/b");
        Assert.Equal(ConditionState.True, status.Ready);
        Assert.Equal(["Topic knative-broker-shop-b has 7 partitions, not 3: it existed before and is used as it is."], status.Notes);
    }

    [Fact]
    public async Task Broker_becomes_ready_when_the_log_comes_back()
    {
        await using var dev = await DevFolder.PrepareAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("b"), Manifests.Trigger("t", "b")))
        );
        dev.Logs.IsAway = true;
        await dev.ControlPlane.StartAsync(Stop);
        Assert.Empty(dev.Contract.Resources);
        Assert.Equal("LogUnavailable", dev.StatusOf("Broker", "shop/b").Reason);
        Assert.Contains("nobody answers", dev.StatusOf("Broker", "shop/b").Message);
        Assert.NotEqual(ConditionState.True, dev.StatusOf("Trigger", "shop/t").Ready);
        dev.Logs.IsAway = false;
        await dev.ServesAsync("/shop/b");
        await Eventually.True(() => dev.StatusOf("Trigger", "shop/t").Ready == ConditionState.True, "a ready Trigger");
    }

    [Fact]
    public async Task Served_broker_stays_served_while_the_log_is_away()
    {
        await using var dev = await DevFolder.StartAsync(folder => folder.Write("b.yaml", Manifests.Broker("b")));
        dev.Logs.IsAway = true;
        dev.Folder.Write("c.yaml", Manifests.Broker("c"));
        dev.Folder.Write("b.yaml", Manifests.Broker("b", spec: "{delivery: {retry: 1}}"));
        await Eventually.True(() => dev.Contract.Resources is [{ EgressConfig.Retry: 1 }], "the change of the Broker that is served");
        dev.Logs.IsAway = false;
        await dev.ServesAsync("/shop/b", "/shop/c");
    }

    /// <summary>CPT-12, OEG-17: ready means that no later event passes the Trigger by.</summary>
    [Fact]
    public async Task New_trigger_has_its_place_at_the_end_before_it_is_ready_and_an_old_one_keeps_its_own()
    {
        const string Topic = "knative-broker-shop-b";
        await using var dev = await DevFolder.PrepareAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("b"), Manifests.Trigger("new", "b"), Manifests.Trigger("old", "b")))
        );
        await dev.Log.Topics.CreateAsync(
            new TopicSpecification(Topic, 3, -1, new Dictionary<string, string>(StringComparer.Ordinal)),
            Stop
        );
        for (var i = 0; i < 9; i++)
        {
            using var record = RecordBuffer.Rent();
            record.AppendValue("x"u8);
            await dev.Log.Writer.AppendAsync(Topic, record);
        }

        var kept = KeyValuePair.Create(new TopicPartition(Topic, 1), new CursorPosition(1, "mine"));
        await dev.Log.Cursors.StoreAsync("knative-trigger-shop-old", [kept], Stop);

        await dev.ControlPlane.StartAsync(Stop);

        Assert.Equal(ConditionState.True, dev.StatusOf("Trigger", "shop/new").Ready);
        var bounds = await dev.Log.Topics.BoundsAsync(Topic, [0, 1, 2], Stop);
        var places = await dev.Log.Cursors.LoadAsync("knative-trigger-shop-new", Topic, Stop);
        Assert.Equal(9, places.Values.Sum(place => place.Offset));
        Assert.Equal(bounds.OrderBy(b => b.Key).Select(b => b.Value.End), places.OrderBy(p => p.Key).Select(p => p.Value.Offset));
        var old = await dev.Log.Cursors.LoadAsync("knative-trigger-shop-old", Topic, Stop);
        Assert.Equal(kept.Value, Assert.Single(old).Value);
    }

    [Fact]
    public async Task Group_of_a_deleted_trigger_is_deleted_after_the_contract_without_it()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("b.yaml", Manifests.Broker("b"));
            folder.Write("t.yaml", Manifests.Trigger("t", "b"));
            folder.Write("u.yaml", Manifests.Trigger("u", "b"));
        });
        await StoreCursorAsync(dev, "knative-trigger-shop-t");
        await StoreCursorAsync(dev, "knative-trigger-shop-u");
        File.Delete(dev.Folder["t.yaml"]);
        await Eventually.True(async () => !await HasCursorAsync(dev, "knative-trigger-shop-t"), "the group to go");
        Assert.Equal(["u"], dev.Contract.Resources[0].Egresses.Select(egress => egress.Reference.Name));
        Assert.True(await HasCursorAsync(dev, "knative-trigger-shop-u"));
    }

    [Fact]
    public async Task Group_is_deleted_when_the_log_comes_back()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("b.yaml", Manifests.Broker("b"));
            folder.Write("t.yaml", Manifests.Trigger("t", "b"));
        });
        await StoreCursorAsync(dev, "knative-trigger-shop-t");
        dev.Logs.IsAway = true;
        File.Delete(dev.Folder["t.yaml"]);
        await Eventually.True(() => dev.Contract.Resources is [{ Egresses.Count: 0 }], "the contract without the Trigger");
        dev.Logs.IsAway = false;
        await Eventually.True(async () => !await HasCursorAsync(dev, "knative-trigger-shop-t"), "the group to go");
    }

    [Fact]
    public async Task Trigger_that_comes_back_soon_keeps_its_group()
    {
        await using var dev = await DevFolder.StartAsync(
            folder =>
            {
                folder.Write("b.yaml", Manifests.Broker("b"));
                folder.Write("t.yaml", Manifests.Trigger("t", "b"));
                folder.Write("u.yaml", Manifests.Trigger("u", "b"));
            },
            options => options with { GroupDeletionDelay = TimeSpan.FromSeconds(3) }
        );
        await StoreCursorAsync(dev, "knative-trigger-shop-t");
        await StoreCursorAsync(dev, "knative-trigger-shop-u");
        File.Delete(dev.Folder["t.yaml"]);
        await Eventually.True(() => dev.Contract.Resources[0].Egresses.Count == 1, "the Trigger to go");
        dev.Folder.Write("again/t.yaml", Manifests.Trigger("t", "b"));
        await Eventually.True(() => dev.Contract.Resources[0].Egresses.Count == 2, "the Trigger to come back");
        // Another one goes later and for good: when its group is gone, that of the first would be too.
        File.Delete(dev.Folder["u.yaml"]);
        await Eventually.True(async () => !await HasCursorAsync(dev, "knative-trigger-shop-u"), "the other group to go");
        Assert.True(await HasCursorAsync(dev, "knative-trigger-shop-t"));
    }

    [Fact]
    public async Task Trigger_that_is_broken_keeps_its_group_and_goes_on()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("b.yaml", Manifests.Broker("b"));
            folder.Write("t.yaml", Manifests.Trigger("t", "b"));
            folder.Write("u.yaml", Manifests.Trigger("u", "b"));
        });
        await StoreCursorAsync(dev, "knative-trigger-shop-t");
        await StoreCursorAsync(dev, "knative-trigger-shop-u");
        dev.Folder.Write("t.yaml", Manifests.Trigger("t", "b", "filters: nothing"));
        await dev.TellsAsync("t.yaml:9: spec.filters: must be a list");
        File.Delete(dev.Folder["u.yaml"]);
        await Eventually.True(async () => !await HasCursorAsync(dev, "knative-trigger-shop-u"), "the other group to go");
        Assert.True(await HasCursorAsync(dev, "knative-trigger-shop-t"));
        Assert.Equal(["t"], dev.Contract.Resources[0].Egresses.Select(egress => egress.Reference.Name));
    }

    /// <summary>RTE-09: what the contract names is the address that the status tells.</summary>
    [Theory]
    [InlineData("{ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: b}}", "http://localhost:8080/shop/b")]
    [InlineData("{ref: {apiVersion: eventing.knative.dev/v1alpha1, kind: KafkaSink, name: k}}", "http://localhost:8080/shop/k")]
    [InlineData("{ref: {apiVersion: v1, kind: Service, name: annotated}, uri: /in?x=1}", "http://localhost:9009/in?x=1")]
    [InlineData("{ref: {apiVersion: v1, kind: Service, name: external}}", "http://localhost:9001")]
    [InlineData("{ref: {apiVersion: v1, kind: Service, name: external}, uri: a/b}", "http://localhost:9001/a/b")]
    [InlineData("{ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: ready}}", "http://ready.example.com/")]
    [InlineData(
        "{ref: {apiVersion: v1, kind: Service, name: annotated, namespace: other}}",
        null,
        "There is no Service other/annotated in the folder"
    )]
    [InlineData("{ref: {apiVersion: v1, kind: Service, name: selecting}}", null, "annotate it with brokkr.dev/url: http://localhost:PORT")]
    [InlineData("{ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: bare}}", null, "has no address on this machine")]
    public async Task Subscriber_is_found_in_the_folder(string subscriber, string? url, string? error = null)
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write(
                "others.yaml",
                """
                apiVersion: eventing.knative.dev/v1alpha1
                kind: KafkaSink
                metadata: {name: k, namespace: shop}
                spec: {topic: k, bootstrapServers: ["kafka:9092"]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: annotated, namespace: shop, annotations: {brokkr.dev/url: "http://localhost:9009"}}
                spec: {selector: {app: x}, ports: [{port: 80, targetPort: http}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: external, namespace: shop}
                spec: {type: ExternalName, externalName: localhost, ports: [{port: 9001}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: selecting, namespace: shop}
                spec: {selector: {app: x}, ports: [{port: 80}]}
                ---
                apiVersion: serving.knative.dev/v1
                kind: Service
                metadata: {name: ready, namespace: shop}
                status: {address: {url: "http://ready.example.com/"}}
                ---
                apiVersion: serving.knative.dev/v1
                kind: Service
                metadata: {name: bare, namespace: shop}
                """
            );
            folder.Write("b.yaml", Manifests.Broker("b"));
            folder.Write("t.yaml", Manifests.Trigger("t", "b").Replace("{uri: \"http://localhost:9001/\"}", subscriber));
        });
        Assert.Empty(dev.Problems);
        var status = dev.StatusOf("Trigger", "shop/t");
        Assert.Equal(url, status.Subscriber);
        if (url is null)
        {
            Assert.Equal((ConditionState.False, "SubscriberNotResolved"), (status.Ready, status.Reason));
            Assert.Contains(error!, status.Message);
        }
        else
        {
            Assert.Equal(url, dev.Contract.Resources.SelectMany(resource => resource.Egresses).Single().Destination);
        }
    }

    /// <summary>DEV-18, DEV-20.</summary>
    [Fact]
    public async Task Trigger_waits_for_its_broker_and_other_classes_are_left_to_others()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("t.yaml", Manifests.Trigger("t", "b"));
            folder.Write("other.yaml", Manifests.Broker("other").Replace("class: Kafka", "class: MTChannelBasedBroker"));
            folder.Write("plain.yaml", "apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: plain}");
            folder.Write("namespaced.yaml", Manifests.Broker("namespaced").Replace("class: Kafka", "class: KafkaNamespaced"));
        });
        await dev.ServesAsync("/default/plain", "/shop/namespaced");
        var trigger = dev.StatusOf("Trigger", "shop/t");
        Assert.Equal((ConditionState.False, "BrokerDoesNotExist"), (trigger.Ready, trigger.Reason));
        Assert.Equal(
            (ConditionState.Unknown, "OtherBrokerClass"),
            (dev.StatusOf("Broker", "shop/other").Ready, dev.StatusOf("Broker", "shop/other").Reason)
        );
        dev.Folder.Write("b.yaml", Manifests.Broker("b"));
        await Eventually.True(() => dev.StatusOf("Trigger", "shop/t").Ready == ConditionState.True, "a ready Trigger");
    }

    [Fact]
    public async Task Trigger_of_a_broker_with_an_error_says_so()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("b.yaml", Manifests.Broker("b", spec: "{delivery: {retry: -1}}"));
            folder.Write("t.yaml", Manifests.Trigger("t", "b"));
        });
        var status = dev.StatusOf("Trigger", "shop/t");
        Assert.Equal("BrokerInvalid", status.Reason);
        Assert.Equal("Broker shop/b has an error: b.yaml:7: spec.delivery.retry: must not be negative", status.Message);
    }

    /// <summary>DEV-21.</summary>
    [Fact]
    public async Task Features_and_defaults_of_the_system_namespace_apply()
    {
        const string System = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-kafka-features, namespace: knative-eventing}
            data:
              brokers-topic-template: "topic.{{ .Namespace }}.{{ .Name }}"
              triggers.consumergroup.template: "group-{{ .Name }}"
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-features, namespace: knative-eventing}
            data: {cross-namespace-event-links: enabled}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-br-defaults, namespace: knative-eventing}
            data:
              default-br-config: |
                clusterDefault:
                  brokerClass: Kafka
                  delivery: {retry: 4, backoffDelay: PT0.2S}
            """;
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("system.yaml", System);
            folder.Write("b.yaml", "apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: b}");
            folder.Write(
                "t.yaml",
                """
                apiVersion: eventing.knative.dev/v1
                kind: Trigger
                metadata: {name: t, namespace: elsewhere}
                spec:
                  brokerRef: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: b, namespace: default}
                  subscriber: {uri: "http://localhost:9001"}
                """
            );
        });
        Assert.Empty(dev.Problems);
        var resource = Assert.Single(dev.Contract.Resources);
        Assert.Equal(["topic.default.b"], resource.Topics);
        Assert.Equal(4U, resource.EgressConfig.Retry);
        Assert.Equal("group-t", Assert.Single(resource.Egresses).ConsumerGroup);
        dev.Folder.Write("system.yaml", System.Replace("group-{{ .Name }}", "group-{{ .Nmae }}"));
        await dev.TellsAsync("system.yaml:6: data[triggers.consumergroup.template]: uses .Nmae");
        Assert.Equal("group-t", dev.Contract.Resources[0].Egresses[0].ConsumerGroup);
    }

    [Fact]
    public async Task Two_triggers_never_share_a_group_and_two_objects_never_an_address()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write(
                "all.yaml",
                Manifests.Several(
                    """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: config-kafka-features, namespace: knative-eventing}
                    data: {triggers-consumergroup-template: "all"}
                    """,
                    Manifests.Broker("b"),
                    Manifests.Trigger("t", "b"),
                    Manifests.Trigger("u", "b"),
                    """
                    apiVersion: eventing.knative.dev/v1alpha1
                    kind: KafkaSink
                    metadata: {name: b, namespace: shop}
                    spec: {topic: k, bootstrapServers: ["kafka:9092"]}
                    """
                )
            )
        );
        Assert.Equal(["t"], dev.Contract.Resources.Single().Egresses.Select(egress => egress.Reference.Name));
        Assert.Equal("ConsumerGroupInUse", dev.StatusOf("Trigger", "shop/u").Reason);
        Assert.Equal("AddressTaken", dev.StatusOf("KafkaSink", "shop/b").Reason);
    }

    [Fact]
    public async Task Missing_dead_letter_sink_of_a_broker_holds_deliveries_but_not_events()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write(
                "all.yaml",
                Manifests.Several(
                    Manifests.Broker(
                        "b",
                        spec: "{delivery: {retry: 1, deadLetterSink: {ref: {apiVersion: v1, kind: Service, name: dead}}}}"
                    ),
                    Manifests.Trigger("inherits", "b"),
                    Manifests.Trigger("own", "b", "delivery: {retry: 2}")
                )
            )
        );
        Assert.Equal(["own"], dev.Contract.Resources.Single().Egresses.Select(egress => egress.Reference.Name));
        Assert.Equal("DeadLetterSinkNotResolved", dev.StatusOf("Broker", "shop/b").Reason);
        Assert.Equal("DeadLetterSinkNotResolved", dev.StatusOf("Trigger", "shop/inherits").Reason);
        dev.Folder.Write(
            "dead.yaml",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: dead, namespace: shop, annotations: {brokkr.dev/url: "http://localhost:9003"}}
            """
        );
        await Eventually.True(() => dev.Contract.Resources is [{ Egresses.Count: 2 }], "both Triggers");
        Assert.Equal("http://localhost:9003", dev.Contract.Resources[0].EgressConfig.DeadLetter);
        // Its own options keep the Broker's out (CPD-08), none of its own let them in (CPD-09).
        Assert.Equal("", dev.Contract.Resources[0].Egresses.Single(egress => egress.Reference.Name == "own").EgressConfig.DeadLetter);
        Assert.Null(dev.Contract.Resources[0].Egresses.Single(egress => egress.Reference.Name == "inherits").EgressConfig);
    }

    [Fact]
    public async Task On_a_real_kafka_servers_and_credentials_are_those_of_the_manifests()
    {
        await using var dev = await DevFolder.StartAsync(
            folder =>
                folder.Write(
                    "all.yaml",
                    Manifests.Several(
                        """
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: config, namespace: shop}
                        data:
                          bootstrap.servers: "z:1, a:2 ,"
                          default.topic.partitions: "2"
                          default.topic.replication.factor: "1"
                          auth.secret.ref.name: kafka
                        """,
                        Manifests.Broker("b", spec: "{config: {apiVersion: v1, kind: ConfigMap, name: config}}"),
                        Manifests.Broker("absent", spec: "{config: {apiVersion: v1, kind: ConfigMap, name: none}}")
                    )
                ),
            options => options with { EmbeddedLog = false, DefaultBootstrapServers = "localhost:9092" }
        );
        Assert.Equal("SecretMissing", dev.StatusOf("Broker", "shop/b").Reason);
        Assert.Contains(dev.StatusOf("Broker", "shop/absent").Notes, note => note.Contains("There is no ConfigMap shop/none"));
        Assert.Equal("localhost:9092", dev.Contract.Resources.Single().BootstrapServers);
        dev.Folder.Write("secret.yaml", Secret("one"));
        await dev.ServesAsync("/shop/absent", "/shop/b");
        var resource = dev.Contract.Resources.Single(resource => resource.Reference.Name == "b");
        Assert.Equal("a:2,z:1", resource.BootstrapServers);
        Assert.Equal(("shop", "kafka"), (resource.AuthSecret.Namespace, resource.AuthSecret.Name));
        var version = resource.AuthSecret.Version;
        dev.Folder.Write("secret.yaml", Secret("two"));
        await Eventually.True(
            () => dev.Contract.Resources.Single(resource => resource.Reference.Name == "b").AuthSecret.Version != version,
            "the new version of the Secret"
        );

        static string Secret(string password) =>
            $$"""
                apiVersion: v1
                kind: Secret
                metadata: {name: kafka, namespace: shop}
                stringData: {protocol: SASL_PLAINTEXT, user: alice, password: {{password}}}
                """;
    }

    [Fact]
    public async Task External_topic_must_exist_on_a_real_kafka()
    {
        await using var dev = await DevFolder.StartAsync(
            folder =>
                folder.Write(
                    "b.yaml",
                    Manifests.Broker("b").Replace("{eventing", "{kafka.eventing.knative.dev/external.topic: mine, eventing")
                ),
            options => options with { EmbeddedLog = false }
        );
        Assert.Empty(dev.Contract.Resources);
        Assert.Equal("TopicMissing", dev.StatusOf("Broker", "shop/b").Reason);
        await dev.Log.Topics.CreateAsync(new TopicSpecification("mine", 4, 1, new Dictionary<string, string>()), Stop);
        await dev.ServesAsync("/shop/b");
        Assert.Equal(["mine"], dev.Contract.Resources[0].Topics);
    }

    private static Task StoreCursorAsync(DevFolder dev, string group) =>
        dev.Log.Cursors.StoreAsync(
            group,
            [KeyValuePair.Create(new TopicPartition("knative-broker-shop-b", 0), new CursorPosition(0, ""))],
            Stop
        );

    private static async ValueTask<bool> HasCursorAsync(DevFolder dev, string group) =>
        (await dev.Log.Cursors.LoadAsync(group, "knative-broker-shop-b", Stop)).Count > 0;
}
