using Brokkr.Kubernetes.Api;

namespace Brokkr.Kubernetes.Watching;

/// <summary>Is told what an <see cref="ObjectWatch{T}"/> sees, one call at a time.</summary>
internal interface IWatchListener<T>
    where T : ApiObject
{
    /// <summary>These are all objects that there are.</summary>
    void Listed(IReadOnlyList<T> all, string resourceVersion);

    /// <summary>An object is new, or is now like this.</summary>
    void Changed(T item);

    /// <summary>An object is gone; this is how it was.</summary>
    void Deleted(T item);

    /// <summary>Nothing else has changed up to this version.</summary>
    void Reached(string resourceVersion);

    /// <summary>From now on all changes are seen as they happen.</summary>
    void Following();

    /// <summary>Changes are not seen for the moment; this is tried again. Told at every attempt.</summary>
    void Failed(ApiProblem problem);
}
