using Brokkr.Core.Configuration;

namespace Brokkr.Core.Tests.Configuration;

/// <summary>receiver-and-core §2: parse rules.</summary>
public sealed class EnvironmentReaderTests
{
    [Theory]
    [InlineData("true", true)]
    [InlineData("TRUE", true)]
    [InlineData("True", true)]
    [InlineData("yes", false)]
    [InlineData("1", false)]
    [InlineData(" true", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Booleans_are_true_in_any_case_or_else_false(string? text, bool value) => Assert.Equal(value, With(("X", text)).Flag("X"));

    [Theory]
    [InlineData("8080")]
    [InlineData("0")]
    public void Integers_are_decimal(string text)
    {
        var environment = With(("PORT", text));
        Assert.Equal(int.Parse(text, null), environment.RequiredInteger("PORT", "a port", 0, 65535));
        environment.ThrowIfInvalid();
    }

    [Theory]
    [InlineData("8s")]
    [InlineData("x")]
    [InlineData("1.0")]
    [InlineData("-1")]
    [InlineData("70000")]
    [InlineData("99999999999")]
    [InlineData(" 1")]
    public void Malformed_integers_are_problems_that_say_what_to_set(string text)
    {
        var environment = With(("PORT", text));
        environment.RequiredInteger("PORT", "the port", 0, 65535);
        Assert.Equal([$"PORT is \"{text}\", which is no integer from 0 to 65535: set it to the port."], environment.Problems);
    }

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        var environment = With(("B", "x"), ("C", ""));
        environment.Required("A", "a file");
        environment.RequiredInteger("B", "a number", 1);
        environment.Required("C", "a folder");
        environment.OptionalInteger("D", "a number", 3);
        var problems = Assert.Throws<ConfigurationException>(environment.ThrowIfInvalid).Problems;
        Assert.Equal(
            [
                "A is not set: set it to a file.",
                "B is \"x\", which is no integer at least 1: set it to a number.",
                "C is not set: set it to a folder.",
            ],
            problems
        );
    }

    [Fact]
    public void Optional_variables_have_fallbacks()
    {
        var environment = With(("BLANK", " "), ("SET", "x"), ("NUMBER", "5"));
        Assert.Equal("Knative", environment.Optional("BLANK", "Knative"));
        Assert.Equal("Knative", environment.Optional("ABSENT", "Knative"));
        Assert.Equal("x", environment.Optional("SET", "Knative"));
        Assert.Null(environment.Optional("ABSENT"));
        Assert.Equal(5, environment.OptionalInteger("NUMBER", "a number", 3));
        Assert.Equal(3, environment.OptionalInteger("ABSENT", "a number", 3));
        environment.ThrowIfInvalid();
    }

    private static EnvironmentReader With(params (string Name, string? Value)[] variables) =>
        new(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
