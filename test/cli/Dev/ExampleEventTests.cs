using Brokkr.Cli.Dev;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Cli.Tests.Dev;

public sealed class ExampleEventTests
{
    [Fact]
    public void The_example_has_a_type_that_a_trigger_of_that_broker_asks_for()
    {
        var contract = new Contract
        {
            Resources =
            {
                Broker("/shop/a", new Egress()),
                Broker(
                    "/shop/b",
                    new Egress { DialectedFilter = { new DialectedFilter { Prefix = new Prefix { Attributes = { ["type"] = "p" } } } } },
                    Wants("b.type")
                ),
                Broker(
                    "/shop/c",
                    new Egress { DialectedFilter = { new DialectedFilter { Exact = new Exact { Attributes = { ["type"] = "c.type" } } } } }
                ),
            },
        };
        Assert.Equal("com.example.hello", ExampleEvent.TypeFor(contract, "/shop/a"));
        Assert.Equal("b.type", ExampleEvent.TypeFor(contract, "/shop/b"));
        Assert.Equal("c.type", ExampleEvent.TypeFor(contract, "/shop/c"));
        Assert.Equal("com.example.hello", ExampleEvent.TypeFor(null, "/shop/a"));
    }

    private static Resource Broker(string path, params Egress[] egresses) =>
        new()
        {
            Ingress = new Ingress { Path = path },
            Egresses = { egresses },
        };

    private static Egress Wants(string type) => new() { Filter = new Filter { Attributes = { ["type"] = type } } };
}
