using System.Text;
using Brokkr.Controller.Folders;

namespace Brokkr.Controller.Tests.Folders;

/// <summary>What becomes of the folder's objects when people edit, break, repair, rename and delete files.</summary>
public sealed class FolderStoreTests
{
    [Fact]
    public async Task Change_of_a_file_applies_at_once_and_leaves_others_alone()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("broker.yaml", Manifests.Broker("b"));
            folder.Write("sub/trigger.yml", Manifests.Trigger("t", "b"));
        });
        Assert.Equal(1UL, dev.Contract.Generation);
        dev.Folder.Write("sub/trigger.yml", Manifests.Trigger("t", "b", "filter: {attributes: {type: a}}"));
        await Eventually.True(
            () => dev.Contract.Resources[0].Egresses[0].Filter.Attributes.ContainsKey("type"),
            "the new filter in the contract"
        );
        Assert.Equal(2UL, dev.Contract.Generation);
        dev.Folder.Write("sub/trigger.yml", "# a remark\n" + Manifests.Trigger("t", "b", "filter: {attributes: {type: a}}"));
        await Eventually.True(() => dev.StatusOf("Trigger", "shop/t").Source == "sub/trigger.yml:2", "the new place of the Trigger");
        Assert.Equal(2UL, dev.Contract.Generation);
    }

    [Fact]
    public async Task File_written_in_place_is_noticed()
    {
        await using var dev = await DevFolder.StartAsync(folder => folder.Write("broker.yaml", Manifests.Broker("a1")));
        await File.WriteAllTextAsync(dev.Folder["broker.yaml"], Manifests.Broker("a2"), TestContext.Current.CancellationToken);
        await dev.ServesAsync("/shop/a2");
    }

    [Fact]
    public async Task File_that_is_no_yaml_keeps_all_its_objects_and_says_why()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b")))
        );
        dev.Folder.Write("all.yaml", Manifests.Broker("a") + "\n  broken: [");
        await dev.TellsAsync("all.yaml:");
        Assert.Contains(dev.Problems, problem => problem.Contains("is no YAML") && problem.EndsWith("what it said before stays in force"));
        await dev.ServesAsync("/shop/a", "/shop/b");
        dev.Folder.Write("all.yaml", Manifests.Broker("a"));
        await dev.TellsNothingAsync();
        await dev.ServesAsync("/shop/a");
    }

    [Fact]
    public async Task Object_with_an_error_keeps_its_last_good_version_while_the_rest_of_the_file_applies()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a", spec: "{delivery: {retry: 3}}"), Manifests.Broker("b")))
        );
        dev.Folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a", spec: "{delivery: {retry: -1}}"), Manifests.Broker("c")));
        await dev.ServesAsync("/shop/a", "/shop/c");
        Assert.Equal(
            ["all.yaml:7: spec.delivery.retry: must not be negative; the last good version of Broker shop/a stays in force"],
            dev.Problems
        );
        Assert.Equal(3U, dev.Contract.Resources.Single(resource => resource.Reference.Name == "a").EgressConfig.Retry);
        Assert.Contains(dev.StatusOf("Broker", "shop/a").Notes, note => note.Contains("must not be negative"));
    }

    /// <summary>ADM-09, ADM-14: as a cluster would refuse it.</summary>
    [Fact]
    public async Task What_must_not_change_keeps_the_last_good_version()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b"), Manifests.Trigger("t", "a")))
        );
        dev.Folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b"), Manifests.Trigger("t", "b")));
        await dev.TellsAsync(
            "all.yaml:23: spec.broker: must not change from shop/a to shop/b: take the object out of the folder and put it back, or give it another name; "
                + "the last good version of Trigger shop/t stays in force"
        );
        Assert.Single(dev.Contract.Resources.Single(resource => resource.Reference.Name == "a").Egresses);

        dev.Folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b")));
        await Eventually.True(() => dev.Contract.Resources.All(resource => resource.Egresses.Count == 0), "the Trigger to go");
        dev.Folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b"), Manifests.Trigger("t", "b")));
        await Eventually.True(
            () => dev.Contract.Resources.Single(resource => resource.Reference.Name == "b").Egresses.Count == 1,
            "the Trigger to be back"
        );
    }

    [Fact]
    public async Task Default_that_changes_or_is_written_down_changes_nothing_that_must_not_change()
    {
        var broker = Manifests.Broker("b").Replace("annotations: {eventing.knative.dev/broker.class: Kafka}", "annotations: {}");
        await using var dev = await DevFolder.StartAsync(folder => folder.Write("broker.yaml", broker));
        dev.Folder.Write("broker.yaml", Manifests.Broker("b", spec: "{delivery: {retry: 3}}"));
        await Eventually.True(() => dev.Contract.Resources.Single().EgressConfig?.Retry == 3, "the change to be in force");
        Assert.Empty(dev.Problems);
    }

    [Fact]
    public async Task Object_that_was_never_good_is_told_and_keeps_nobody_out()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("broker.yaml", Manifests.Broker("b"));
            folder.Write("good.yaml", Manifests.Trigger("good", "b"));
            folder.Write(
                "bad.yaml",
                """
                apiVersion: eventing.knative.dev/v1
                kind: Trigger
                metadata:
                  name: bad
                  namespace: shop
                spec:
                  broker: b
                  filtres:
                    - exact: {type: a}
                  subscriber: {uri: "http://localhost:9001/"}
                """
            );
        });
        Assert.Equal(
            ["bad.yaml:8: spec.filtres: is not a field; did you mean \"filters\"?; Trigger shop/bad is not used until this is mended"],
            dev.Problems
        );
        Assert.Equal(["good"], dev.Contract.Resources[0].Egresses.Select(egress => egress.Reference.Name));
        var status = dev.StatusOf("Trigger", "shop/bad");
        Assert.Equal((ConditionState.False, "Invalid", "bad.yaml:1"), (status.Ready, status.Reason, status.Source));
    }

    [Fact]
    public async Task Document_that_does_not_say_what_it_is_keeps_what_it_may_have_been()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b")))
        );
        dev.Folder.Write("all.yaml", Manifests.Several(Manifests.Broker("a"), Manifests.Broker("b").Replace("name: b", "nmae: b")));
        await dev.TellsAsync("all.yaml:11: metadata.name: is missing");
        await dev.ServesAsync("/shop/a", "/shop/b");
    }

    [Fact]
    public async Task Renamed_file_changes_nothing_but_the_place()
    {
        await using var dev = await DevFolder.StartAsync(folder => folder.Write("a.yaml", Manifests.Broker("b")));
        File.Move(dev.Folder["a.yaml"], dev.Folder["z.yaml"]);
        await Eventually.True(() => dev.StatusOf("Broker", "shop/b").Source == "z.yaml:1", "the new place");
        Assert.Equal(1UL, dev.Contract.Generation);
    }

    [Fact]
    public async Task Deleted_file_deletes_its_objects()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("a.yaml", Manifests.Broker("a"));
            folder.Write("sub/b.yaml", Manifests.Broker("b"));
        });
        File.Delete(dev.Folder["a.yaml"]);
        await dev.ServesAsync("/shop/b");
        Directory.Delete(dev.Folder["sub"], recursive: true);
        await dev.ServesAsync();
        Assert.Empty(dev.ControlPlane.Report.Statuses);
        Assert.NotNull(await dev.Log.Topics.DescribeAsync("knative-broker-shop-a", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Same_object_twice_is_told_with_both_places()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write("a.yaml", Manifests.Broker("b", spec: "{delivery: {retry: 1}}"));
            folder.Write("b.yaml", "\n" + Manifests.Broker("b", spec: "{delivery: {retry: 2}}"));
        });
        Assert.Equal(["b.yaml:2: Broker shop/b is already defined at a.yaml:1; this one is not used"], dev.Problems);
        Assert.Equal(1U, dev.Contract.Resources[0].EgressConfig.Retry);
        File.Delete(dev.Folder["a.yaml"]);
        await Eventually.True(() => dev.Contract.Resources is [{ EgressConfig.Retry: 2 }], "the other one");
        await dev.TellsNothingAsync();
    }

    [Fact]
    public async Task Lists_and_many_documents_are_read()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write(
                "list.yaml",
                """
                apiVersion: v1
                kind: List
                items:
                  - apiVersion: eventing.knative.dev/v1
                    kind: Broker
                    metadata: {name: one}
                  - apiVersion: eventing.knative.dev/v1
                    kind: Broker
                    metadata: {name: two}
                    spec:
                      delivery:
                        retry: many
                """
            );
            folder.Write(
                "many.yaml",
                string.Join("\n---\n", Enumerable.Range(0, 50).Select(i => Manifests.Broker($"b{i}"))) + "\n---\n# end\n"
            );
        });
        Assert.Equal(51, dev.Contract.Resources.Count);
        Assert.Contains("/default/one", dev.Paths);
        Assert.StartsWith("list.yaml:12: spec.delivery.retry: must be a whole number, is the text \"many\"", Assert.Single(dev.Problems));
    }

    [Fact]
    public async Task Links_are_followed_once_and_their_targets_are_watched()
    {
        using var elsewhere = new TemporaryFolder();
        elsewhere.Write("v1/broker.yaml", Manifests.Broker("one"));
        elsewhere.Write("v2/broker.yaml", Manifests.Broker("two"));
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            // As the kubelet lays out a mounted ConfigMap.
            Directory.CreateSymbolicLink(folder["..data"], elsewhere["v1"]);
            File.CreateSymbolicLink(folder["broker.yaml"], folder[Path.Combine("..data", "broker.yaml")]);
            File.CreateSymbolicLink(folder["again.yaml"], folder[Path.Combine("..data", "broker.yaml")]);
            Directory.CreateDirectory(folder["sub"]);
            Directory.CreateSymbolicLink(folder[Path.Combine("sub", "loop")], folder.Path);
        });
        Assert.Empty(dev.Problems);
        await dev.ServesAsync("/shop/one");
        Directory.Delete(dev.Folder["..data"]);
        Directory.CreateSymbolicLink(dev.Folder["..data"], elsewhere["v2"]);
        await dev.ServesAsync("/shop/two");
        elsewhere.Write("v2/broker.yaml", Manifests.Broker("three"));
        await dev.ServesAsync("/shop/three");
    }

    [Fact]
    public async Task Folder_that_goes_away_and_comes_back_changes_nothing()
    {
        await using var dev = await DevFolder.StartAsync(folder => folder.Write("manifests/a.yaml", Manifests.Broker("a")), AtManifests);
        Directory.Move(dev.Folder["manifests"], dev.Folder["away"]);
        await dev.TellsAsync("everything stays as it is");
        await dev.ServesAsync("/shop/a");
        Directory.Move(dev.Folder["away"], dev.Folder["manifests"]);
        await dev.TellsNothingAsync();
        dev.Folder.Write("manifests/a.yaml", Manifests.Broker("b"));
        await dev.ServesAsync("/shop/b");

        static FolderOptions AtManifests(FolderOptions options) => options with { Path = Path.Combine(options.Path, "manifests") };
    }

    [Fact]
    public async Task Missing_folder_is_an_error_at_start()
    {
        await using var dev = await DevFolder.PrepareAsync(_ => { }, options => options with { Path = Path.Combine(options.Path, "none") });
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => dev.ControlPlane.StartAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Other_files_and_hidden_ones_are_not_read()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write(".hidden/a.yaml", "[");
            folder.Write(".b.yaml", "[");
            folder.Write("notes.txt", "[");
            folder.Write("empty.yaml", "");
            folder.Write("compose.yaml", "services: {}");
            folder.Write("broker.yaml", Manifests.Broker("b"));
        });
        var problem = Assert.Single(dev.ControlPlane.Report.Problems);
        Assert.False(problem.IsError);
        Assert.StartsWith("compose.yaml:1: is no Kubernetes object", problem.ToString());
        await dev.ServesAsync("/shop/b");
    }

    [Theory]
    [InlineData("data: {on: off}", "data.on: must be a text, is false: put it in quotes")]
    [InlineData("data: {port: 10}", "data.port: must be a text, is the number 10: put it in quotes")]
    [InlineData("data: [a]", "data: must be a mapping, is a list")]
    [InlineData("data: {a: 1}\n  , data: {}", "is no YAML")]
    [InlineData("data: {a: x, a: y}", "is no YAML")]
    [InlineData("dta: {}", "dta: is not a field; did you mean \"data\"?")]
    public async Task Values_that_kubernetes_refuses_are_refused(string data, string problem)
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n" + data + "\n")
        );
        Assert.Contains(problem, Assert.Single(dev.Problems));
    }

    [Fact]
    public async Task Anchors_and_merges_are_followed_but_not_without_end()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write(
                "merge.yaml",
                """
                x-base: &base {name: b, namespace: shop}
                apiVersion: eventing.knative.dev/v1
                kind: Broker
                metadata:
                  <<: *base
                  name: c
                """
            );
            var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
            for (var i = 1; i < 10; i++)
            {
                bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
            }

            folder.Write("bomb.yaml", bomb.ToString());
            folder.Write("deep.yaml", new string('[', 100_000));
        });
        Assert.Contains(dev.Problems, problem => problem.StartsWith("bomb.yaml:") && problem.Contains("too large"));
        Assert.Contains(dev.Problems, problem => problem.StartsWith("deep.yaml:") && problem.Contains("nested more than"));
        // The object is what the merge says; the helper field beside it is told.
        Assert.Contains(dev.Problems, problem => problem.StartsWith("merge.yaml:1: x-base: is not a field"));
    }

    [Fact]
    public async Task Secrets_are_given_out_and_never_told()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
        {
            folder.Write(
                "secret.yaml",
                """
                apiVersion: v1
                kind: Secret
                metadata: {name: kafka, namespace: shop}
                data: {user: YWxpY2U=}
                stringData: {password: "hunter2"}
                """
            );
            folder.Write(
                "bad.yaml",
                """
                apiVersion: v1
                kind: Secret
                metadata: {name: bad}
                data: {user: "%%topsecret%%"}
                stringData: {password: 4711}
                """
            );
        });
        var secret = await dev.Store.GetAsync("shop", "kafka", TestContext.Current.CancellationToken);
        Assert.Equal("alice", Encoding.UTF8.GetString(secret!["user"]));
        Assert.Equal("hunter2", Encoding.UTF8.GetString(secret["password"]));
        Assert.Null(await dev.Store.GetAsync("shop", "none", TestContext.Current.CancellationToken));
        Assert.NotEmpty(dev.Problems);
        Assert.DoesNotContain(dev.Problems, problem => problem.Contains("4711") || problem.Contains("topsecret"));
        dev.Folder.Write(
            "bad.yaml",
            """
            apiVersion: v1
            kind: Secret
            metadata: {name: bad}
            data: {user: "%%topsecret%%"}
            """
        );
        await dev.TellsAsync("bad.yaml:4: data.user: must be Base64");
        Assert.DoesNotContain(dev.Problems, problem => problem.Contains("topsecret"));
    }

    [Fact]
    public async Task Objects_are_the_same_ones_after_a_restart()
    {
        string before;
        await using (var dev = await DevFolder.StartAsync(folder => folder.Write("a.yaml", Manifests.Broker("a"))))
        {
            before = dev.Contract.Resources[0].Uid;
        }

        await using var again = await DevFolder.StartAsync(folder => folder.Write("moved/b.yaml", Manifests.Broker("a")));
        Assert.Equal(before, again.Contract.Resources[0].Uid);
    }

    [Fact]
    public async Task Cesql_filter_that_does_not_parse_is_told_with_its_place()
    {
        await using var dev = await DevFolder.StartAsync(folder =>
            folder.Write(
                "all.yaml",
                Manifests.Several(
                    Manifests.Broker("b"),
                    Manifests.Trigger("good", "b", "filters: [{cesql: \"type LIKE 'a.%'\"}]"),
                    Manifests.Trigger("bad", "b", "filters: [{not: {cesql: \"TRUE AND\"}}]")
                )
            )
        );
        Assert.Contains(
            ": spec.filters[0].not.cesql: is CESQL with a fault at character 9: expected a value, but the expression ends",
            Assert.Single(dev.Problems)
        );
        Assert.Equal("type LIKE 'a.%'", Assert.Single(dev.Contract.Resources[0].Egresses).DialectedFilter[0].Cesql.Expression);
    }
}
