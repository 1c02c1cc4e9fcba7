using Brokkr.Apis;

namespace Brokkr.Controller.Contracts;

/// <summary>Where a destination is, or why that is not known.</summary>
/// <param name="Url">The URL; null where it is not known.</param>
/// <param name="CACerts">Certificates in PEM; empty for none.</param>
/// <param name="Audience">Audience of the token; empty for none.</param>
/// <param name="Error">Why it is not known and what to do, as a sentence; null where it is.</param>
internal readonly record struct Resolution(string? Url, string CACerts, string Audience, string? Error)
{
    public static Resolution Failed(string error) => new(null, "", "", error);
}

/// <summary>Finds out where destinations are (control-plane §3.6). Pure for one set of objects.</summary>
internal interface IDestinationResolver
{
    /// <summary>Resolves a destination.</summary>
    /// <param name="destination">A valid destination.</param>
    /// <param name="namespaceName">Namespace of the object that names it.</param>
    /// <param name="field">The field that holds it, for messages.</param>
    Resolution Resolve(Destination destination, string namespaceName, string field);
}
