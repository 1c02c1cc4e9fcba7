namespace Brokkr.Apis.Tests;

/// <summary>The features of <c>config-features</c> (control-plane §14).</summary>
public sealed class FeatureTests
{
    [Fact]
    public void Nothing_said_means_the_defaults()
    {
        var features = EventingFeatures.Read(null, EventingFeatures.Default);
        Assert.Equal(EventingFeatures.Default, features);
        Assert.Equal("Disabled", features.TransportEncryption);
        Assert.False(features.IsAuthenticationOidcEnabled);
        Assert.Equal("Allow-Same-Namespace", features.DefaultAuthorizationMode);
    }

    [Theory]
    [InlineData("permissive", "Permissive")]
    [InlineData("STRICT", "Strict")]
    [InlineData("disabled", "Disabled")]
    [InlineData("Allowed", "Allowed")]
    [InlineData("Sometimes", "Sometimes")]
    public void Values_are_read_in_any_case_and_unknown_ones_kept(string value, string read)
    {
        var features = EventingFeatures.Read(new Dictionary<string, string> { ["transport-encryption"] = value }, EventingFeatures.Default);
        Assert.Equal(read, features.TransportEncryption);
        Assert.Equal(read is "Permissive", features.IsTransportEncryptionPermissive);
        Assert.Equal(read is "Strict", features.IsTransportEncryptionStrict);
    }

    [Fact]
    public void Oidc_and_the_mode_are_read()
    {
        var features = EventingFeatures.Read(
            new Dictionary<string, string> { ["authentication-oidc"] = "enabled", ["default-authorization-mode"] = "deny-all" },
            EventingFeatures.Default
        );
        Assert.True(features.IsAuthenticationOidcEnabled);
        Assert.Equal("Deny-All", features.DefaultAuthorizationMode);
    }

    [Fact]
    public void Values_that_mean_nothing_are_told_with_what_holds()
    {
        var problems = EventingFeatures.Check(
            new Dictionary<string, string>
            {
                ["_example"] = "whatever",
                ["somebody-elses-key"] = "maybe",
                ["delivery-timeout"] = "allowed",
                ["authentication-oidc"] = "maybe",
                ["transport-encryption"] = "Sometimes",
                ["default-authorization-mode"] = "allow-some",
            }
        );
        Assert.All(problems, problem => Assert.True(problem.IsWarning));
        Assert.Equal(
            [
                "data.authentication-oidc: should be one of enabled, disabled, is \"maybe\": it counts as disabled",
                "data.transport-encryption: should be one of disabled, permissive, strict, is \"Sometimes\": it counts as disabled",
                "data.default-authorization-mode: should be one of allow-all, deny-all, allow-same-namespace, is \"allow-some\": nobody may send where no policy allows it",
            ],
            problems.Select(problem => problem.ToString())
        );
    }
}
